/** An old key of `TRAWL_KEK` can go: everything moves to the first one, and a figure says when it has (docs/decisions/121). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FILE_URL_PURPOSE } from "../../../edge/auth/file-url-secrets.ts";
import { JOB_SECRETS_PURPOSE } from "../../../edge/auth/job-secrets.ts";
import { SecretBox, secretBoxOf } from "../../../edge/auth/secret-box.ts";
import { resealColumn, SETTINGS_SEALS, WORK_SEALS } from "../../../edge/db/seals.ts";
import { PARTITION_SEALS } from "../../../edge/partition/seals.ts";
import { sweepSeals } from "../../../edge/sweep/seals.ts";
import { parsePrometheus } from "../../shared/prometheus-parser.ts";
import { PARTITION, TestNode } from "../fleet-node.ts";
import { deliver, eventually, newBucket, s3Storage, untilStatus, useStorage } from "../storage/support.ts";
import { type Account, call, type Json, newAccount } from "../support.ts";
import { allRows } from "../tables.ts";
import { keptLog, partitionsAway } from "./support.ts";

const kek = (id: string, byte: number) => `${id}:${btoa(String.fromCharCode(byte).repeat(32))}`;
const OLD = kek("k1", 1);
const NEW = kek("k2", 2);
const OLD_RECORD = "v1.k1.";
const COOKIES = "# Netscape HTTP Cookie File\nmedia.example.com\tFALSE\t/\tTRUE\t0\tid\tworth-a-lot\n";
const { log, lines } = keptLog();

let clock = Date.now();

beforeEach(() => {
  env.TRAWL_KEK = OLD;
  lines.length = 0;
});
afterEach(() => {
  env.TRAWL_KEK = OLD;
});

/** Runs of the sweep to the end of a round; how many records were moved. */
async function sweepRound(): Promise<number> {
  const rounds = () => lines.filter(([event]) => event === "info seals.counted").length;
  const before = rounds();
  let moved = 0;
  for (let run = 0; rounds() === before; run++) {
    if (run > 20) throw new Error("the round does not end");
    clock += 2 * 60_000;
    moved += (await sweepSeals(env, log, clock)).moved ?? 0;
  }
  return moved;
}

/** Rounds of the sweep until one finds nothing; how many records were moved. */
async function sweepAll(): Promise<number> {
  let moved = 0;
  for (let round = 0; round < 5; round++) {
    moved += await sweepRound();
    if (lines.at(-1)?.[1].old === 0) return moved;
  }
  throw new Error("the sweep does not come to rest");
}

async function oldRecords(account: Account): Promise<string[]> {
  const courier = await runInDurableObject(env.COURIER.getByName(account.id), (_, { storage }) =>
    storage.sql
      .exec("SELECT * FROM deliveries")
      .toArray()
      .map((row) => `courier ${JSON.stringify(row)}`),
  );
  return [...(await allRows()), ...courier].filter((row) => row.includes(OLD_RECORD));
}

async function figures(): Promise<Record<string, number>> {
  const answer = await call("/metrics", { headers: { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` } });
  const samples = parsePrometheus(await answer.text()).get("trawl_sealed_records")?.samples ?? [];
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.kek, value]));
}

/** An account with a record in every place that has some. */
async function sealEverywhere() {
  const account = await newAccount();
  const bucket = newBucket("seals");
  const inline = { provider: "s3", ...s3Storage(newBucket("seals-inline")) };
  const hook = (answer: string, key: string) => `https://hooks.test/r/${answer}/${key}-${bucket}`;
  const done = await deliver(account, "the bytes", { storage: inline, webhook_url: hook("200", "told") });
  await useStorage(account, bucket);
  await account.api("POST", "/user/slack", { webhook_url: "https://hooks.slack.com/services/T0/B0/xyz" });
  const preset = await account.api("POST", "/api/presets", { name: "mine", cookies: COOKIES });
  // One whose webhook waits for its next try, and one that waits with its cookies and storage.
  const failing = await account.createJob({ webhook_url: hook("500", "waits") });
  const node = await TestNode.online(account);
  const job = await node.take();
  await node.job(job, "fail", { class: "drm", message: "x", retry_after_seconds: null, permanent: false });
  const waiting = await account.createJob({ cookies: COOKIES, storage: inline });
  const own = await account.createJob({ filename: "own" });
  await sealWork(account);
  const secret = await account.api("GET", "/user/webhook-secret");
  await eventually(async () => {
    const { body } = await account.api<{ items: Json[] }>("GET", "/webhooks");
    expect(JSON.stringify(body)).toContain("delivered");
    expect(JSON.stringify(body)).toContain(failing);
  });
  return { account, node, done, waiting, own, secret: secret.body, preset: preset.body };
}

/** What stands in a partition for a moment only: an upload that is to be aborted, and a file on its way to D1. */
async function sealWork(account: Account): Promise<void> {
  const box = secretBoxOf(env);
  const [secrets, url] = await Promise.all([
    box.seal("{}", { account: account.id, purpose: JOB_SECRETS_PURPOSE }),
    box.seal("https://files.test/x", { account: account.id, purpose: FILE_URL_PURPOSE }),
  ]);
  const id = crypto.randomUUID();
  await runInDurableObject(env.PARTITION.getByName(PARTITION), (_, { storage }) => {
    storage.sql.exec(
      `INSERT INTO uploads (upload_id, job_id, token, kind, path, store_key, content_type, part_size, account_id, sealed, doomed_at)
       VALUES (?1, ?1, '1.1', 'media', '', '', '', 1, ?2, ?3, 9e15)`,
      id,
      account.id,
      secrets,
    );
    storage.sql.exec(
      `INSERT INTO files (file_id, job_id, account_id, kind, path, store_key, target_id, size, content_type, etag, created_at, sealed_url)
       VALUES (?1, ?1, ?2, 'media', '', '', 'x', 1, '', '', 0, ?3)`,
      id,
      account.id,
      url,
    );
  });
}

describe("with a new first key and the old one behind it", () => {
  it("everything moves to the new one, the figure of the old falls to 0, and then all opens without it", async () => {
    const { account, node, done, waiting, own, secret, preset } = await sealEverywhere();
    const before = (await oldRecords(account)).map((row) => row.split(" ")[0]);
    expect(new Set(before)).toEqual(
      new Set([
        "d1.accounts",
        "d1.target_credentials",
        "d1.endpoints",
        "d1.jobs",
        "d1.files",
        "d1.deliveries",
        "d1.library_features",
        "partition.accounts",
        "partition.jobs",
        "partition.targets",
        "partition.uploads",
        "partition.files",
        "courier",
      ]),
    );
    expect(await figures(), "nothing was counted yet").toEqual({});

    env.TRAWL_KEK = `${NEW},${OLD}`;
    expect(await sweepAll()).toBeGreaterThan(8);
    expect(await oldRecords(account)).toEqual([]);
    const counted = await figures();
    expect(counted).toEqual({ k1: 0, k2: expect.any(Number) });
    expect(counted.k2).toBeGreaterThan(8);

    env.TRAWL_KEK = NEW;
    expect((await account.api("GET", "/user/webhook-secret")).body).toEqual(secret);
    expect((await account.api("GET", `/api/presets/${preset.id}`)).body).toEqual(preset);
    expect((await account.api("GET", `/jobs/${done.id}`)).body.s3_url).toBe(done.s3_url);
    const hooks = await account.api<{ webhooks: { id: string; url: string }[] }>("GET", "/webhooks");
    expect(JSON.stringify(hooks.body)).toContain("https://hooks.test/r/200/told-");
    // The storage of the account and of the one job is written to, and the cookies reach the node.
    const leased = await node.lease();
    expect(leased.map(({ job }) => job).sort()).toEqual([waiting, own].sort());
    for (const job of leased) {
      const { body } = await node.job(job, "confirm");
      expect(body.cookies).toBe(job.job === waiting ? COOKIES : undefined);
      expect((await node.deliver(job, `bytes of ${job.job}`)).status).toBe(200);
    }
    for (const id of [waiting, own]) await untilStatus(account, id, "Completed");
  });

  it("says in its figure how much is left while a place does not answer, and not that nothing is", async () => {
    const { account } = await sealEverywhere();
    env.TRAWL_KEK = `${NEW},${OLD}`;
    await env.DB.batch([env.DB.prepare("DELETE FROM sweeps"), env.DB.prepare("DELETE FROM sealed_records")]);
    const broken = { ...env, PARTITION: partitionsAway };
    for (let run = 0; run < 2; run++) {
      clock += 2 * 60_000;
      await sweepSeals(broken, log, clock);
    }
    expect(lines.map(([event]) => event)).toContain("warn seals.not_moved");
    expect(lines.map(([event]) => event)).not.toContain("info seals.counted");
    expect(await figures()).toEqual({});
    expect(
      (await oldRecords(account)).every((row) => row.startsWith("partition.")),
      "the others moved",
    ).toBe(true);
    await sweepAll();
    expect(await oldRecords(account)).toEqual([]);
  });

  it("counts what no key opens, and leaves it as it is", async () => {
    const lost = await new SecretBox(kek("gone", 9)).seal("x", { account: "a", purpose: "webhook-secret" });
    const account = await newAccount();
    await env.DB.prepare("UPDATE accounts SET webhook_secret = ? WHERE id = ?").bind(lost, account.id).run();
    env.TRAWL_KEK = `${NEW},${OLD}`;
    await env.DB.prepare("DELETE FROM sweeps").run();
    await sweepRound();
    expect(await figures()).toMatchObject({ gone: 1 });
    const kept = await env.DB.prepare("SELECT webhook_secret FROM accounts WHERE id = ?").bind(account.id).first();
    expect(kept).toEqual({ webhook_secret: lost });
    await env.DB.prepare("UPDATE accounts SET webhook_secret = NULL WHERE id = ?").bind(account.id).run();
  });

  it("does not undo what was written while it looked", async () => {
    const account = await newAccount();
    await account.api("GET", "/user/webhook-secret");
    const [column] = SETTINGS_SEALS;
    if (column === undefined) throw new Error("accounts have a secret");
    env.TRAWL_KEK = `${NEW},${OLD}`;
    const box = secretBoxOf(env);
    const rewrap = box.rewrap.bind(box);
    let rotated: unknown;
    const spy = vi.spyOn(box, "rewrap").mockImplementation(async (sealed, context) => {
      if (context.account === account.id) {
        rotated = (await account.api("POST", "/user/webhook-secret/rotate")).body;
      }
      return rewrap(sealed, context);
    });
    await resealColumn(env.DB, box, column, "");
    spy.mockRestore();
    expect(rotated).toBeDefined();
    expect((await account.api("GET", "/user/webhook-secret")).body).toEqual(rotated);
  });

  it("takes as many runs as it needs, and looks rarely once nothing is left", async () => {
    const account = await newAccount();
    await account.api("GET", "/user/webhook-secret");
    env.TRAWL_KEK = `${NEW},${OLD}`;
    await env.DB.prepare("DELETE FROM sweeps").run();
    clock += 2 * 60_000;
    await sweepSeals(env, log, clock, 3);
    expect(lines, "the first run did not see everything").toEqual([]);
    const stands = await env.DB.prepare("SELECT after_id FROM sweeps WHERE name = 'seals k2'").first<string>(
      "after_id",
    );
    expect(JSON.parse(stands ?? "")).toMatchObject({ stage: 0, place: "2" });
    await sweepAll();
    expect(await oldRecords(account)).toEqual([]);
    lines.length = 0;
    expect(await sweepSeals(env, log, clock + 60 * 60_000)).toEqual({});
    expect(lines).toEqual([]);
    clock += 7 * 60 * 60_000;
    await sweepSeals(env, log, clock, 3);
    const again = await env.DB.prepare("SELECT after_id FROM sweeps WHERE name = 'seals k2'").first<string>("after_id");
    expect(again).toBe(stands);
  });
});

it("does nothing while there is one key, or none", async () => {
  for (const TRAWL_KEK of [OLD, ""]) expect(await sweepSeals({ ...env, TRAWL_KEK }, log, clock)).toEqual({});
});

it("a record whose key is no longer there fails with the key's name in the log, and without anything secret", async () => {
  const account = await newAccount();
  const before = await account.api("GET", "/user/webhook-secret");
  const said: string[] = [];
  const spy = vi.spyOn(console, "log").mockImplementation((text: unknown) => void said.push(String(text)));
  env.TRAWL_KEK = NEW;
  expect((await account.api("GET", "/user/webhook-secret")).status).toBe(500);
  spy.mockRestore();
  expect(said.join("\n")).toContain("SecretBoxError: TRAWL_KEK has no key 'k1'");
  for (const secret of [NEW.slice(3), OLD.slice(3)]) expect(said.join("\n")).not.toContain(secret);
  env.TRAWL_KEK = `${NEW},${OLD}`;
  expect((await account.api("GET", "/user/webhook-secret")).body).toEqual(before.body);
});

it("every column that is named for a seal is one that the sweep knows", async () => {
  const tables = await env.DB.prepare(
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  ).all<{ name: string; sql: string }>();
  const named = await Promise.all(
    tables.results.map(async ({ name }) => {
      const { results } = await env.DB.prepare(`PRAGMA table_info("${name}")`).all<{ name: string }>();
      return results.map((column) => `${name}.${column.name}`).filter((each) => /\.(sealed|webhook_secret)/.test(each));
    }),
  );
  const known = [...SETTINGS_SEALS, ...WORK_SEALS].map(({ table, column }) => `${table}.${column}`);
  // Nothing has ever written the secret of an endpoint.
  expect(
    named
      .flat()
      .filter((each) => each !== "endpoints.sealed_secret")
      .sort(),
  ).toEqual(known.sort());
  const here = await runInDurableObject(env.PARTITION.getByName(PARTITION), (_, { storage }) =>
    storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
      )
      .toArray()
      .flatMap(({ name }) =>
        storage.sql
          .exec<{ name: string }>(`PRAGMA table_info("${name}")`)
          .toArray()
          .map((column) => `${name}.${column.name}`),
      )
      .filter((each) => /\.(sealed|storage$)/.test(each)),
  );
  expect(here.sort()).toEqual(PARTITION_SEALS.map(({ name }) => name).sort());
});

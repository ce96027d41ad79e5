/** `TRAWL_HISTORY_DAYS`: when records of finished work go, and what holds them (docs/decisions/028). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { sweepRemovals } from "../../../edge/routes/admin/remove-account.ts";
import { sweepRecords } from "../../../edge/sweep/records.ts";
import { newKey, receiver } from "../courier/support.ts";
import { PARTITION, TestNode } from "../fleet-node.ts";
import { deliver, eventually, newBucket, s3, useStorage } from "../storage/support.ts";
import { type Account, admin, call, newAccount, refusal } from "../support.ts";
import { rowsNaming } from "../tables.ts";
import {
  DAY,
  delivered,
  isStored,
  keptLog,
  MINUTE,
  partitionsAway,
  runFiles,
  runRecords,
  withDays,
} from "./support.ts";

const PRIVATE = { class: "private", message: "Video is private", retry_after_seconds: null, permanent: false };

async function failed(account: Account, body = {}): Promise<string> {
  const id = await account.createJob(body);
  const node = await TestNode.online(account);
  await node.job(await node.take(), "fail", PRIVATE);
  await account.api("GET", "/jobs");
  return id;
}

const gone = { status: 404, error: "Job not found" };
const read = async (account: Account, id: string) => account.api("GET", `/jobs/${id}`);

async function totals(account: Account) {
  const { body } = await account.api("GET", "/jobs?status=warning");
  const downloads = await call("/api/downloads", { headers: { "x-api-key": account.key } });
  const tasks = (await downloads.json()) as unknown[];
  const dashboard = await account.api("GET", "/dashboard/stats");
  return {
    total: body.total,
    filtered: body.filtered_total,
    listed: [tasks.length, downloads.headers.get("x-total-count")],
    dashboard: dashboard.body.total_jobs,
    failed: dashboard.body.failed_jobs,
  };
}

describe("a record", () => {
  it("goes so long after its job ended and not sooner, with all that names it; totals follow, usage stays", async () => {
    const account = await newAccount();
    const id = await failed(account, { webhook_url: receiver("200", newKey()) });
    const newer = await account.createJob();
    await eventually(async () => {
      const { body } = await account.api<{ webhooks: { status: string }[] }>("GET", `/webhooks?job_id=${id}`);
      expect(body.webhooks[0]?.status).toBe("delivered");
    });
    await runRecords(7 * DAY - MINUTE);
    expect((await read(account, id)).status).toBe(200);
    expect(await totals(account)).toEqual({ total: 2, filtered: 1, listed: [2, "2"], dashboard: 2, failed: 1 });

    expect(await runRecords(7 * DAY + MINUTE)).toMatchObject({ jobs: 1, batches: 0 });
    expect(refusal(await read(account, id))).toEqual(gone);
    expect(refusal(await account.api("POST", `/jobs/${id}/retry`))).toEqual(gone);
    expect((await call(`/jobs/${id}/events`, { headers: { "x-api-key": account.key } })).status).toBe(404);
    expect(await totals(account)).toEqual({ total: 1, filtered: 0, listed: [1, "1"], dashboard: 1, failed: 0 });
    expect((await account.api("GET", "/usage")).body).toMatchObject({ usage_count: 2 });
    expect((await account.api("GET", `/webhooks?job_id=${id}`)).body.webhooks).toEqual([]);
    // The partition remembers outcomes for a day and hand-outs for a minute, by its own clock.
    const left = (await rowsNaming(id)).filter((row) => !/^partition\.(outcomes|lease_requests) /.test(row));
    expect(left).toEqual([]);
    expect((await read(account, newer)).body.status).toBe("Pending");
  });

  it("stays as long as its job has a managed file, and goes with the next round after that", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes");
    await runRecords(99 * DAY);
    expect((await read(account, file.id)).body).toMatchObject({ status: "Completed", s3_url: expect.any(String) });
    await runFiles(99 * DAY);
    expect(await isStored(file.storeKey)).toBe(false);
    await runRecords(99 * DAY);
    expect(refusal(await read(account, file.id))).toEqual(gone);
    expect(await rowsNaming(file.fileId)).toEqual([]);
  });

  it("of a file in a customer's bucket goes, the file stays, and its name is the bucket's business again", async () => {
    const account = await newAccount();
    const bucket = newBucket("history");
    await useStorage(account, bucket);
    const job = await deliver(account, "theirs", { filename: "talk" });
    await account.api("GET", "/jobs");
    await runRecords(8 * DAY);
    expect(refusal(await read(account, job.id))).toEqual(gone);
    expect((await s3.look(bucket)).objects).toEqual({ "videos/talk.mp4": "theirs" });
    expect((await rowsNaming(job.id)).filter((row) => row.startsWith("partition.names"))).toEqual([]);
    // What lies there counts as taken all the same (jobs API 11.1).
    const next = await deliver(account, "theirs too", { filename: "talk" });
    expect(next.files[0]?.key).toBe("videos/talk (2).mp4");
  });

  it("stays while a webhook of it is under way", async () => {
    const account = await newAccount();
    const id = await failed(account, { webhook_url: receiver("500", newKey()) });
    await eventually(async () => {
      const { body } = await account.api<{ webhooks: { attempts: number }[] }>("GET", `/webhooks?job_id=${id}`);
      expect(body.webhooks[0]?.attempts).toBeGreaterThan(0);
    });
    await runRecords(8 * DAY);
    expect((await read(account, id)).status).toBe(200);
  });

  it("stays while its job lives in the partition, and while nobody can tell", async () => {
    const account = await newAccount();
    const id = await failed(account);
    const running = await account.createJob();
    await runRecords(8 * DAY, "7", { PARTITION: partitionsAway });
    expect((await read(account, id)).status).toBe(200);
    // D1 believes that it has ended; the partition knows better.
    await env.DB.prepare("UPDATE jobs SET finished_at = 1, terminal_event_id = 1 WHERE id = ?").bind(running).run();
    await runRecords(8 * DAY);
    expect((await read(account, running)).body.status).toBe("Pending");
    expect((await env.DB.prepare("SELECT 1 AS x FROM jobs WHERE id = ?").bind(running).first())?.x).toBe(1);
    expect(refusal(await read(account, id))).toEqual(gone);
  });

  it("stays while the counters in D1 do not include it: a rebuild would count it by its row", async () => {
    const account = await newAccount();
    const id = await failed(account);
    await env.DB.prepare("UPDATE usage SET event = 1 WHERE account_id = ?").bind(account.id).run();
    await runRecords(8 * DAY);
    expect((await read(account, id)).status).toBe(200);
  });

  it("stays for a day at least: idempotency keys name it so long", async () => {
    const account = await newAccount();
    const id = await failed(account);
    await runRecords(DAY - MINUTE, "0.001");
    expect((await read(account, id)).status).toBe(200);
    await runRecords(DAY + MINUTE, "0.001");
    expect((await read(account, id)).status).toBe(404);
  });

  it.each(["0", "", "never"])("stays for ever when the days are %j", async (days) => {
    const account = await newAccount();
    const id = await failed(account);
    await runRecords(9_999 * DAY, days);
    expect((await read(account, id)).status).toBe(200);
  });

  it("of an account that is gone goes like any other", async () => {
    const account = await newAccount();
    const id = await failed(account);
    await admin("DELETE", `/admin/accounts/${account.id}`);
    await sweepRemovals(env, Date.now());
    expect((await admin("GET", `/admin/jobs/${id}`)).status).toBe(200);
    await runRecords(8 * DAY);
    expect((await admin("GET", `/admin/jobs/${id}`)).status).toBe(404);
    expect((await rowsNaming(account.id)).filter((row) => row.startsWith("d1."))).toEqual([]);
  });

  it("leaves the counters of the metrics as they were: those never fall", async () => {
    const account = await newAccount();
    await failed(account);
    const counted = async () => {
      const answer = await call("/metrics", { headers: { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` } });
      return /trawl_jobs_finished_total\{status="warning",class="private"\} (\d+)/.exec(await answer.text())?.[1];
    };
    const before = await counted();
    expect(await runRecords(8 * DAY)).toMatchObject({ jobs: expect.any(Number) });
    expect([await counted(), Number(before) > 0]).toEqual([before, true]);
  });

  it("takes its events along: who asks for what came after an older one hears that the log does not reach so far", async () => {
    const account = await newAccount();
    const old = await account.createJob();
    const event = await runInDurableObject(env.PARTITION.getByName(PARTITION), (_, { storage }) =>
      storage.sql.exec<{ id: number }>("SELECT min(id) AS id FROM events WHERE job_id = ?", old).one(),
    );
    const node = await TestNode.online(account);
    await node.job(await node.take(), "fail", PRIVATE);
    await account.api("GET", "/jobs");
    await runRecords(8 * DAY);
    const stream = await call("/events", {
      headers: { "x-api-key": account.key, "last-event-id": String(event.id) },
    });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = (await reader?.read()) ?? {};
    await reader?.cancel();
    expect(value).toContain("event: stream.reset");
  });
});

describe("a batch", () => {
  const bulk = async (account: Account) => {
    const jobs = ["a", "b"].map((name) => ({ url: `https://media.example.com/${name}`, filename: name }));
    const made = await account.api<{ batch_id: string; job_ids: string[] }>("POST", "/jobs/bulk", { jobs });
    return made.body;
  };

  it("is one record with its jobs: it stays whole as long as one of them has a file, and goes whole", async () => {
    const account = await newAccount();
    const { batch_id, job_ids } = await bulk(account);
    const node = await TestNode.online(account);
    const [first, second] = await node.lease();
    for (const job of [first, second]) await node.job(job as never, "confirm");
    await node.job(first as never, "fail", PRIVATE);
    await node.deliver(second as never, "the bytes");
    await eventually(async () => {
      expect((await account.api("GET", `/batch/${batch_id}`)).body.status).toBe("finished");
    });
    await account.api("GET", "/jobs");
    await runRecords(8 * DAY);
    expect((await account.api("GET", `/batch/${batch_id}`)).body).toMatchObject({
      total_episodes: 2,
      completed_episodes: 1,
      failed_episodes: 1,
      episode_jobs: job_ids,
    });
    await runFiles(8 * DAY);
    expect(await runRecords(8 * DAY)).toMatchObject({ batches: 1, jobs: 2 });
    expect(refusal(await account.api("GET", `/batch/${batch_id}`))).toEqual({ status: 404, error: "Batch not found" });
    for (const id of job_ids) expect(refusal(await read(account, id))).toEqual(gone);
    expect((await account.api("GET", "/jobs")).body).toMatchObject({ jobs: [], total: 0 });
    expect((await account.api("GET", "/dashboard/batches")).body).toEqual({ batches: [] });
  });

  it("that goes on keeps the jobs of it that ended long ago", async () => {
    const account = await newAccount();
    const { batch_id, job_ids } = await bulk(account);
    await account.api("DELETE", `/jobs/${job_ids[0]}`);
    await account.api("GET", "/jobs");
    await runRecords(99 * DAY);
    expect((await account.api("GET", `/batch/${batch_id}`)).body).toMatchObject({
      total_episodes: 2,
      failed_episodes: 1,
    });
    expect((await read(account, job_ids[0] ?? "")).status).toBe(200);
  });

  it("that a node found takes its parent along, whose files are its first child's", async () => {
    const account = await newAccount();
    const parent = await account.createJob({ url: "https://media.example.com/feed" });
    const node = await TestNode.online(account);
    const entries = [{ url: "https://media.example.com/one", title: "One", description: null, release_date: null }];
    const result = { kind: "list", title: "Feed", entries, truncated: false };
    const expanded = await node.job(await node.take(), "extracted", { result });
    expect(expanded.body).toMatchObject({ decision: "expanded" });
    await account.api("GET", "/jobs");
    await node.deliver(await node.take(), "the bytes");
    await eventually(async () => expect((await read(account, parent)).body.status).toBe("Completed"));
    const s3Key = async () => {
      const { body } = await account.api<{ jobs: { id: string; s3_key: string | null }[] }>("GET", "/jobs");
      return body.jobs.find((job) => job.id === parent)?.s3_key;
    };
    expect(await s3Key()).toBe("videos/A talk.mp4");
    await runFiles(8 * DAY);
    expect((await read(account, parent)).body).toMatchObject({ status: "Completed", s3_url: null, files: [] });
    expect(await s3Key()).toBeNull();
    expect(await runRecords(8 * DAY)).toMatchObject({ batches: 1, jobs: 2 });
    expect((await read(account, parent)).status).toBe(404);
  });
});

describe("the walk over finished work", () => {
  it("looks at 500 rows a run, gets past those that stay, and rests for an hour at the end", async () => {
    const account = await newAccount();
    await failed(account);
    const template = "SELECT id FROM jobs WHERE account_id = ?1 LIMIT 1";
    const columns = (await env.DB.prepare("SELECT name FROM pragma_table_info('jobs')").all<{ name: string }>()).results
      .map(({ name }) => name)
      .filter((name) => name !== "id" && name !== "finished_at");
    const copy = (count: number, prefix: string, at: number) =>
      env.DB.prepare(
        `INSERT INTO jobs (id, finished_at, ${columns.join(", ")})
         SELECT '${prefix}' || n.value, ${at}, ${columns.join(", ")} FROM jobs, (
           WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < ${count}) SELECT value FROM c) n
         WHERE jobs.id = (${template})`,
      )
        .bind(account.id)
        .run();
    await copy(700, "stays-", 1_000);
    await copy(3, "goes-", 2_000);
    await env.DB.prepare(
      `INSERT INTO files (file_id, job_id, account_id, kind, path, store_key, target_id, size, content_type, etag, created_at)
       SELECT 'f-' || id, id, account_id, 'media', id, id, 'managed', 1, 'video/mp4', 'e', ?1 FROM jobs WHERE id LIKE 'stays-%'`,
    )
      .bind(Date.now())
      .run();
    await env.DB.prepare("DELETE FROM sweeps").run();
    const { log } = keptLog();
    const run = (inMs: number) => sweepRecords(withDays({ TRAWL_HISTORY_DAYS: "7" }), log, Date.now() + inMs);
    expect(await run(0)).toMatchObject({ jobs: 0 });
    expect(await run(0)).toMatchObject({ jobs: 3 });
    await copy(2, "later-", 3_000);
    expect(await run(59 * MINUTE)).toMatchObject({ jobs: 0 });
    await run(61 * MINUTE);
    expect(await run(62 * MINUTE)).toMatchObject({ jobs: 2 });
    const left = await env.DB.prepare("SELECT count(*) AS n FROM jobs WHERE id LIKE 'stays-%'").first<{ n: number }>();
    expect(left?.n).toBe(700);
  });
});

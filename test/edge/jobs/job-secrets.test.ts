/** Cookies of a job (jobs API 3.1): sealed in its row, heard by the one node that runs it, gone when it ends. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { CallRequest } from "../../../shared/contract/calls.ts";
import { answeringNode, expansion } from "../answering-node.ts";
import { TestNode } from "../fleet-node.ts";
import { type Account, newAccount, refusal } from "../support.ts";

const SECRET = "s3cr3t-of-a-session";
const COOKIES = `# Netscape HTTP Cookie File\n.example.com\tTRUE\t/\tTRUE\t0\tsid\t${SECRET}\n`;
const REMOVED = { class: "removed", message: "", retry_after_seconds: null, permanent: false };
const ENTRIES = ["1", "2"].map((name) => ({ url: `https://media.example.com/${name}`, title: name }));

/** All of the account's rows in D1, as text; a list read first waits until D1 has them. */
async function rowsOf(account: Account): Promise<{ sealed: (string | null)[]; text: string }> {
  await account.api("GET", "/jobs");
  const { results } = await env.DB.prepare("SELECT * FROM jobs WHERE account_id = ? ORDER BY id")
    .bind(account.id)
    .all<{ sealed: string | null }>();
  return { sealed: results.map((row) => row.sealed), text: JSON.stringify(results) };
}

test("cookies reach the node that confirms, each time it asks, and stand nowhere else", async () => {
  const account = await newAccount();
  const id = await account.createJob({ cookies: COOKIES });
  const node = await TestNode.online(account);
  const [job] = await node.lease();
  if (job === undefined) throw new Error("nothing was leased");
  expect(JSON.stringify(job)).not.toContain(SECRET);
  for (const _ of [1, 2]) {
    expect((await node.job(job, "confirm")).body).toEqual({ state: "running", cookies: COOKIES });
  }
  for (const path of [`/jobs/${id}`, "/jobs", `/webhooks?job_id=${id}`]) {
    expect(JSON.stringify((await account.api("GET", path)).body)).not.toMatch(/s3cr3t|cookies/);
  }
  const { sealed, text } = await rowsOf(account);
  expect(sealed).toEqual([expect.stringMatching(/^v1\./)]);
  expect(text).not.toContain(SECRET);
});

test("a stranger, a stale token and a node whose attempt is over hear nothing of them", async () => {
  const account = await newAccount();
  await account.createJob({ cookies: COOKIES });
  const node = await TestNode.online(account);
  const job = await node.take();
  const other = await TestNode.online(account);
  expect(JSON.stringify((await other.job(job, "confirm")).body)).not.toContain(SECRET);
  await node.job(job, "fail", REMOVED);
  expect((await node.job(job, "confirm")).body).not.toHaveProperty("cookies");
});

test("the record is erased with the end of the job, and a retry has none", async () => {
  const account = await newAccount();
  const id = await account.createJob({ cookies: COOKIES, embed_metadata: true, format_id: "137+140" });
  const node = await TestNode.online(account);
  await node.job(await node.take(), "fail", REMOVED);
  expect((await rowsOf(account)).sealed).toEqual([null]);
  expect((await account.api("POST", `/jobs/${id}/retry`)).status).toBe(201);
  const [again] = await node.lease();
  expect(again?.options).toMatchObject({ embed_metadata: true, format_id: "137+140" });
  expect((await node.job(again as NonNullable<typeof again>, "confirm")).body).toEqual({ state: "running" });
});

test("a repeated attempt hears them again", async () => {
  const account = await newAccount();
  await account.createJob({ cookies: COOKIES });
  const node = await TestNode.online(account);
  const first = await node.take();
  await node.job(first, "release");
  const [second] = await node.lease();
  expect(second?.token).not.toBe(first.token);
  expect((await node.job(second as typeof first, "confirm")).body).toMatchObject({ cookies: COOKIES });
});

test("children of a list that a node discovers inherit them, and the four extensions", async () => {
  const account = await newAccount();
  await account.createJob({ cookies: COOKIES, subtitle_languages: ["en", "pt-BR"], download_subtitles: true });
  const node = await TestNode.online(account);
  const result = { kind: "list", title: "The Show", entries: ENTRIES, truncated: false };
  expect((await node.job(await node.take(), "extracted", { result })).body).toEqual({ decision: "expanded" });
  const children = await node.lease();
  expect(children).toHaveLength(2);
  for (const child of children) {
    expect(child.options).toMatchObject({ subtitle_languages: ["en", "pt-BR"] });
    expect((await node.job(child, "confirm")).body).toMatchObject({ cookies: COOKIES });
    await node.job(child, "fail", REMOVED);
  }
  expect((await rowsOf(account)).sealed).toEqual([null, null, null]);
});

test("the node that expands a list hears them with its question, and its items inherit them", async () => {
  const account = await newAccount();
  const asked: CallRequest[] = [];
  const { node, close } = await answeringNode(account, (request) => {
    asked.push(request);
    return { ok: true, result: expansion("The Show") };
  });
  const made = await account.api("POST", "/jobs", {
    url: "https://media.example.com/feed",
    playlist: "always",
    cookies: COOKIES,
  });
  expect(made.status).toBe(201);
  expect(asked).toMatchObject([{ kind: "expand", cookies: COOKIES }]);
  const jobs = await node.lease();
  expect(jobs).toHaveLength(2);
  for (const job of jobs) expect((await node.job(job, "confirm")).body).toMatchObject({ cookies: COOKIES });
  close();
});

test("a list of too many items for a large record is refused, and nothing is created", async () => {
  const account = await newAccount();
  const large = `${COOKIES}.example.com\tTRUE\t/\tTRUE\t0\tbig\t${"x".repeat(60_000)}\n`;
  const entries = Array.from({ length: 400 }, (_, at) => ({
    url: `https://media.example.com/${at}`,
    title: null,
    description: null,
    release_date: null,
    media_url: null,
    skip: null,
  }));
  const { close } = await answeringNode(account, () => ({
    ok: true,
    result: { kind: "expand", title: null, truncated: false, entries },
  }));
  const body = { url: "https://media.example.com/feed", playlist: "always", cookies: large };
  expect(refusal(await account.api("POST", "/jobs", body))).toEqual({
    status: 400,
    error: "cookies are too large for a list of 400 items",
    field: "cookies",
  });
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 0 });
  close();
});

test("a bulk request has no such fields: they are ignored like any other that it does not know", async () => {
  const account = await newAccount();
  const body = { jobs: [{ url: "https://media.example.com/v1" }], cookies: 7, format_id: "no such thing" };
  expect((await account.api("POST", "/jobs/bulk", body)).status).toBe(201);
  const [job] = await (await TestNode.online(account)).lease();
  expect(job?.options).toMatchObject({ format_id: null });
});

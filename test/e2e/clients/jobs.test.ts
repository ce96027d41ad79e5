/** The jobs API, used as its public pages describe it by a client that was written for them. */
import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { SHOWS } from "../../origin/podcasts.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { atEnd } from "../harness/at-end.ts";
import { Stack } from "../harness/stack.ts";
import { type Json, PlainClient } from "./plain-client.ts";
import { type Received, Receiver, verify } from "./receiver.ts";

let origin: Origin;
let receiver: Receiver;
let client: PlainClient;
let base: string;
let key: string;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  receiver = await Receiver.open();
  atEnd(() => receiver.close());
  const stack = await Stack.start({
    env: { TRAWL_SPOTIFY_URL: `${origin.url}/spotify`, TRAWL_PODCAST_DIRECTORY_URL: `${origin.url}/podcasts` },
  });
  base = stack.url;
  key = stack.apiKey;
  client = new PlainClient(base, { "x-api-key": key });
});

const over = (job: Json): boolean => !["Pending", "Processing"].includes(String(job.status));
const finished = (id: unknown): Promise<Json> => client.poll(`/jobs/${id}`, over);
const media = (name = "vertical.mp4"): string => `${origin.url}/${name}`;

async function create(body: Json): Promise<string> {
  const made = await client.post("/jobs", body);
  expect([made.status, Object.keys(made.body)]).toEqual([201, ["job_id"]]);
  return String(made.body.job_id);
}

async function secret(): Promise<string> {
  const answer = await client.get("/user/webhook-secret");
  return String(answer.body.webhook_signing_secret);
}

const typesOf = (received: Received[]): unknown[] => received.map(({ body }) => body.type);

test("create, poll, download, list, delete: the life of one job", async () => {
  const id = await create({ url: media(), format: "mp4", max_resolution: "1080", folder: "talks", filename: "One" });
  const job = await finished(id);
  expect(job).toMatchObject({ id, status: "Completed", step: "Finished", error: null, folder: "talks", progress: 100 });
  const file = await fetch(String(job.s3_url));
  const bytes = Buffer.from(await file.arrayBuffer());
  expect([file.status, bytes.length]).toEqual([200, job.file_size]);
  const [first] = job.files as { sha256: string }[];
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(first?.sha256);

  const list = await client.get<{ jobs: Json[]; total: number }>("/jobs?limit=1&offset=0&status=completed");
  expect(list.body.jobs[0]).toMatchObject({ id, status: "Completed", s3_key: "videos/talks/One.mp4" });
  expect((await client.get("/usage")).body).toMatchObject({ usage_count: list.body.total });

  expect((await client.send("DELETE", `/jobs/${id}/file`)).body).toEqual({
    ...{ message: "File deleted successfully", job_id: id, deleted_key: "videos/talks/One.mp4" },
  });
  expect((await client.send("DELETE", `/jobs/${id}/file`)).body).toMatchObject({ error: "Job has no file to delete" });
  expect((await client.get(`/jobs/${id}`)).body).toMatchObject({ status: "Completed", s3_url: null, files: [] });
  expect((await fetch(String(job.s3_url))).status).not.toBe(200);
});

test("errors are what the page promises: no key, a wrong one, a bad field, an unknown job", async () => {
  const bare = await fetch(`${base}/jobs`);
  expect([bare.status, await bare.json()]).toEqual([401, { error: "Missing x-api-key header" }]);
  const stranger = await new PlainClient(base, { "x-api-key": "sk_unknown" }).get("/usage");
  expect([stranger.status, stranger.body]).toEqual([401, { error: "Invalid API Key" }]);
  const bearer = await new PlainClient(base, { Authorization: `Bearer ${key}` }).get("/usage");
  expect(bearer.status).toBe(200);
  const bad = await client.post("/jobs", { url: media(), folder: "x".repeat(201) });
  expect([bad.status, bad.body.error]).toEqual([400, "Folder name too long (max 200 characters)"]);
  const unknown = await client.get("/jobs/00000000-0000-0000-0000-000000000000");
  expect([unknown.status, unknown.body]).toEqual([404, { error: "Job not found" }]);
});

test("bulk: a batch of items with names of their own; a cancelled one is retried outside it", async () => {
  const jobs = [{ url: media(), filename: "01 - Intro" }, { url: media("audio.m4a") }, { url: media("status/404/x") }];
  const made = await client.post<{ batch_id: string; job_ids: string[]; total_jobs: number }>("/jobs/bulk", {
    ...{ jobs, folder: "course", paused: true },
  });
  expect([made.status, made.body.total_jobs]).toEqual([201, 3]);
  const [, , last = ""] = made.body.job_ids;
  expect((await client.send("DELETE", `/jobs/${last}`)).body).toEqual({
    ...{ message: "Job cancelled successfully", job_id: last },
  });
  const started = await client.post(`/batch/${made.body.batch_id}/start`);
  expect(started.body).toEqual({ batch_id: made.body.batch_id, started_jobs: 2, status: "processing" });
  const batch = await client.poll(`/batch/${made.body.batch_id}`, (each) => each.finished_at !== null);
  expect(batch).toMatchObject({ status: "finished", total_episodes: 3, completed_episodes: 2, failed_episodes: 1 });
  expect((await client.get(`/jobs/${made.body.job_ids[0]}`)).body).toMatchObject({ filename: "01 - Intro" });
  const retry = await client.post(`/jobs/${last}/retry`);
  expect([retry.status, retry.body.original_job_id]).toEqual([201, last]);
  expect(await finished(retry.body.job_id)).toMatchObject({ status: "Warning", error_type: "warning", batch_id: null });
});

test("one idempotency key creates once", async () => {
  const headers = { "x-idempotency-key": "an order of ours" };
  const first = await client.post("/jobs", { url: media(), folder: "once" }, headers);
  const again = await client.post("/jobs", { folder: "once", url: media() }, headers);
  expect([first.status, again.status, again.body]).toEqual([201, 200, { ...first.body, cached: true }]);
  const other = await client.post("/jobs", { url: media() }, headers);
  expect([other.status, other.body.error]).toEqual([422, "Idempotency key was used with a different request"]);
  expect(await finished(first.body.job_id)).toMatchObject({ status: "Completed" });
});

test("a show, held: renamed, started, and told of by webhooks that bear both signatures", async () => {
  const url = `https://open.spotify.com/show/${SHOWS.beepHour}`;
  const made = await client.post<{ batch_id: string; episodes: Json[]; episode_jobs: string[]; paused: boolean }>(
    "/jobs",
    {
      ...{ url, folder: "my-podcast", paused: true, audio_only: true, webhook_url: `${receiver.url}/fine/show` },
      enable_progress_webhook: true,
    },
  );
  expect([made.status, made.body.paused]).toEqual([201, true]);
  const { batch_id, episodes, episode_jobs } = made.body;
  expect(episodes.map((each) => each.job_id)).toEqual(episode_jobs);
  const renames = episode_jobs.map((job_id, index) => ({ job_id, filename: `0${index} - Episode` }));
  const renamed = await client.send("PATCH", `/batch/${batch_id}/jobs`, { renames });
  expect(renamed.status).toBe(200);
  expect((await client.post(`/batch/${batch_id}/start`)).status).toBe(200);
  const batch = await client.poll(`/batch/${batch_id}`, (each) => each.finished_at !== null);
  expect(batch).toMatchObject({
    show_url: url,
    kind: "show",
    total_episodes: 4,
    completed_episodes: 3,
    skipped_episodes: 1,
  });

  const webhooks = await receiver.until("show", (all) => typesOf(all).includes("batch_completed"));
  const signing = await secret();
  for (const webhook of webhooks) verify(signing, webhook);
  const outcomes = webhooks.filter(({ body }) => body.type !== "progress");
  expect(typesOf(outcomes).toSorted()).toEqual(
    ["batch_completed", "job_completed", "job_completed", "job_completed", "job_skipped"].toSorted(),
  );
  // Nothing of the batch comes after its own webhook but what is tried again.
  expect(outcomes.at(-1)?.body).toEqual({
    ...{ type: "batch_completed", batch_id, show_url: url, folder: "my-podcast" },
    ...{ completed: 3, failed: 0, skipped: 1, total: 4, status: "finished" },
  });
  const done = outcomes.find(({ body }) => body.type === "job_completed")?.body ?? {};
  expect(done).toMatchObject({ folder: "my-podcast", description: null, status: "completed" });
  expect(String(done.key)).toMatch(/^videos\/my-podcast\/0\d - Episode\.m4a$/);
  expect((await fetch(String(done.s3_url))).status).toBe(200);
  const told = (await receiver.until("show", (all) => progressOf(all, done.job_id).length === 6)).slice();
  expect(progressOf(told, done.job_id).toSorted()).toEqual(
    [
      "downloading 0",
      "download_complete 33",
      "muxing 33",
      "mux_complete 66",
      "uploading 66",
      "completed 100",
    ].toSorted(),
  );
  expect(new Set(told.map(({ headers }) => headers["webhook-id"])).size).toBe(told.length);
});

function progressOf(received: Received[], job: unknown): string[] {
  const own = received.filter(({ body }) => body.type === "progress" && body.job_id === job);
  return own.map(({ body }) => `${body.stage} ${body.progress_percent}`);
}

test("receivers that fail, hang, redirect, lie or are gone hold up nobody; each is dealt with as the page says", async () => {
  const names = ["hangs", "failsOnce", "redirects", "lies", "gone", "fine"];
  const ids = new Map<string, string>();
  for (const name of names) {
    ids.set(name, await create({ url: media("status/404/x"), webhook_url: `${receiver.url}/${name}/of-${name}` }));
  }
  const view = (name: string, enough: (job: Json) => boolean) => client.poll(`/jobs/${ids.get(name)}`, enough);
  const settled = (job: Json): boolean => job.webhook_status !== null && job.finished_at !== null;
  // The first of them never answers, and the last one is served all the same.
  const fine = await view("fine", settled);
  expect(fine).toMatchObject({ status: "Warning", webhook_status: "delivered", webhook_attempts: 1 });
  expect(await view("lies", settled)).toMatchObject({ webhook_status: "delivered", webhook_attempts: 1 });
  expect(await view("gone", settled)).toMatchObject({ webhook_status: "failed", webhook_last_error: "HTTP 410" });
  const redirected = await view("redirects", (job) => job.webhook_last_error !== null);
  expect(redirected).toMatchObject({ webhook_status: null, webhook_last_error: "HTTP 307" });
  expect(receiver.of("stolen")).toEqual([]);
  const [first, second] = await receiver.until("of-failsOnce", (all) => all.length === 2);
  expect(second?.raw).toBe(first?.raw);
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  for (const each of [first, second]) if (each !== undefined) verify(await secret(), each);
  expect(Number(second?.headers["webhook-timestamp"])).toBeGreaterThan(Number(first?.headers["webhook-timestamp"]));
  expect(await view("failsOnce", settled)).toMatchObject({ webhook_status: "delivered", webhook_attempts: 2 });
  expect((await client.get(`/jobs/${ids.get("hangs")}`)).body).toMatchObject({ webhook_status: null });

  const log = await client.get<{ webhooks: Json[] }>(`/webhooks?job_id=${ids.get("gone")}&status=failed`);
  expect(log.body.webhooks).toMatchObject([
    { type: "job_warning", attempts: 1, last_status_code: 410, next_attempt_at: null },
  ]);
  const rotated = await client.post("/user/webhook-secret/rotate");
  const again = await client.post(`/webhooks/${log.body.webhooks[0]?.id}/redeliver`);
  expect(again.body).toMatchObject({ status: "pending", message: "Webhook delivery queued" });
  const [, repeated] = await receiver.until("of-gone", (all) => all.length === 2);
  if (repeated !== undefined) verify(String(rotated.body.webhook_signing_secret), repeated);
});

/** Rows of the jobs API that no other test states, each by its words. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type AnsweringNode, answeringNode, wellInformed } from "../answering-node.ts";
import { PARTITION, PARTITION_PATH, TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, newKey, refusal, send } from "../support.ts";

/** For what happens beside an answer. */
const SLOW_MACHINE_MS = 15_000;

const URL = "https://media.example.com/v1";
let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

async function pausedBulk(own: Account = account): Promise<{ batch: string; jobs: string[] }> {
  const body = { jobs: [{ url: URL }, { url: URL }], paused: true };
  const made = await own.api<{ batch_id: string; job_ids: string[] }>("POST", "/jobs/bulk", body);
  return { batch: made.body.batch_id, jobs: made.body.job_ids };
}

describe("1.1 `An explicit null equals an omitted field`, below the top too", () => {
  it.each<[where: string, body: Json, error: string, field: string]>([
    ["url of an item", { jobs: [{ url: null }] }, "jobs[0].url is required", "jobs[0].url"],
    ["all items", { jobs: null }, "jobs is required", "jobs"],
    ["an item itself is no field", { jobs: [null] }, "jobs[0] must be an object", "jobs[0]"],
  ])("%s", async (_, body, error, field) => {
    expect(refusal(await account.api("POST", "/jobs/bulk", body))).toEqual({ status: 400, error, field });
  });

  it("a null filename of an item is none", async () => {
    const made = await account.api("POST", "/jobs/bulk", { jobs: [{ url: URL, filename: null }], storage: null });
    expect(made.status).toBe(201);
  });

  it("a null job_id of a rename is missing", async () => {
    const { batch } = await pausedBulk();
    const answer = await account.api("PATCH", `/batch/${batch}/jobs`, { renames: [{ job_id: null, filename: "a" }] });
    expect(refusal(answer)).toEqual({
      status: 400,
      error: "renames[0].job_id is required",
      field: "renames[0].job_id",
    });
  });

  it("every field of a create may be null at once, and the job is that of its URL alone", async () => {
    const fields = Object.keys((await account.api("GET", `/jobs/${await account.createJob()}`)).body);
    const nulls = Object.fromEntries(fields.map((field) => [field, null]));
    const bare = await account.createJob({ url: URL });
    const silent = await account.createJob({ ...nulls, storage: null, playlist: null, url: URL });
    const [one, other] = [await account.api("GET", `/jobs/${bare}`), await account.api("GET", `/jobs/${silent}`)];
    expect(other.body).toEqual({ ...one.body, id: silent, created_at: expect.any(Number) });
  });
});

describe("1.2 `known path with another method, plus Allow`", () => {
  it.each([
    ["GET", "/jobs/bulk", "POST"],
    ["DELETE", "/jobs/bulk", "POST"],
    ["GET", "/metadata", "POST"],
    ["POST", "/usage", "GET"],
    ["GET", "/user/slack", "POST, DELETE"],
    ["DELETE", "/user/webhook-secret", "GET"],
  ])("%s %s", async (method, path, allowed) => {
    const answer = await account.api(method, path);
    expect(refusal(answer)).toEqual({ status: 405, error: "Method not allowed" });
    expect(answer.headers.get("allow")?.replace(/, HEAD|, OPTIONS/g, "")).toBe(allowed);
  });
});

describe("3.6 lists: item keys `step` and `progress` are those of `GET /jobs/{id}`, also while the job runs", () => {
  it.each(["/jobs", "/batch/{batch}/jobs"])("GET %s", async (path) => {
    const own = await newAccount();
    const { batch } = await pausedBulk(own);
    await own.api("POST", `/batch/${batch}/start`);
    const node = await TestNode.online(own);
    const job = await node.take();
    await node.job(job, "step", { step: "mux" });
    const { body } = await own.api<{ jobs: Json[] }>("GET", path.replace("{batch}", batch));
    const item = body.jobs.find((each) => each.id === job.job);
    const { step, progress, status } = (await own.api("GET", `/jobs/${job.job}`)).body;
    expect([status, step, progress]).toEqual(["Processing", "Muxing", 33]);
    expect(item).toMatchObject({ status, step, progress });
  });

  it("a step counts from its report on, not from the next frame of progress: nothing goes back", async () => {
    const own = await newAccount();
    const id = await own.createJob();
    const node = await TestNode.online(own);
    const job = await node.take();
    const headers = { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` };
    const { webSocket } = await call(`${PARTITION_PATH}/socket`, { headers });
    webSocket?.accept();
    const entry = { job: id, token: job.token, step: "download", fraction: 0.9 };
    const frame = { type: "progress", jobs: [{ ...entry, eta_seconds: 1, speed_bytes_per_second: 1 }] };
    webSocket?.send(JSON.stringify(frame));
    await vi.waitFor(
      async () => expect((await own.api("GET", `/jobs/${id}`)).body.progress).toBe(29.7),
      SLOW_MACHINE_MS,
    );
    await node.job(job, "step", { step: "mux" });
    expect((await own.api("GET", `/jobs/${id}`)).body).toMatchObject({ step: "Muxing", progress: 33 });
    webSocket?.close();
  });

  it("`batch_id`: ids are compared as ids, in any case of their letters", async () => {
    const { batch } = await pausedBulk();
    const lists = [batch, batch.toUpperCase()].map((id) => account.api("GET", `/jobs?batch_id=${id}`));
    expect((await Promise.all(lists)).map((list) => list.body.filtered_total)).toEqual([2, 2]);
  });
});

describe("3.8 retry: `A new job with the same parameters, webhook included, and the account's current storage`", () => {
  it("echoes what the old one echoes, outside its batch; usage counts; the original is untouched", async () => {
    const own = await newAccount();
    const body = {
      ...{ url: URL, folder: "talks", filename: "a", format: "mkv", max_resolution: "720", clip_start: "1" },
      ...{ priority: 3, tags: ["a=b"], metadata: { mine: [1] }, webhook_url: "https://hooks.test/r/ok/retry" },
      ...{ enable_progress_webhook: true, download_thumbnail: true, live_recording: true, max_duration: 60 },
    };
    const id = await own.createJob(body);
    await own.api("DELETE", `/jobs/${id}`);
    const before = (await own.api("GET", `/jobs/${id}`)).body;
    const made = await own.api("POST", `/jobs/${id}/retry`);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      job_id: made.body.job_id,
      original_job_id: id,
      message: "Job re-queued successfully",
    });
    const after = (await own.api("GET", `/jobs/${made.body.job_id}`)).body;
    const { error, error_type, ...same } = before;
    expect(after).toEqual({
      ...same,
      ...{ id: made.body.job_id, status: "Pending", step: "Queued", error: null, error_type: null },
      ...{ created_at: after.created_at, finished_at: null, webhook_status: null },
    });
    expect((await own.api("GET", `/jobs/${id}`)).body).toEqual(before);
    expect((await own.api("GET", "/usage")).body).toMatchObject({ usage_count: 2 });
  });

  it("stands under the limits of the key that asks, and comes back to what was asked for without them", async () => {
    const own = await newAccount();
    const narrow = await newKey(own.id, { limits: { max_resolution: "480" } });
    const made = await send("POST", "/jobs", { url: URL, max_resolution: "1080" }, { "x-api-key": narrow.key });
    const id = String(made.body.job_id);
    expect((await own.api("GET", `/jobs/${id}`)).body).toMatchObject({ max_resolution: "480" });
    await own.api("DELETE", `/jobs/${id}`);
    const wide = await own.api("POST", `/jobs/${id}/retry`);
    expect((await own.api("GET", `/jobs/${wide.body.job_id}`)).body).toMatchObject({ max_resolution: "1080" });
    const again = await send("POST", `/jobs/${id}/retry`, undefined, { "x-api-key": narrow.key });
    expect((await own.api("GET", `/jobs/${again.body.job_id}`)).body).toMatchObject({ max_resolution: "480" });
  });
});

describe("4 bulk: with several bad fields `error` names the first in table order", () => {
  it("items before `storage`, `storage` before `paused`", async () => {
    const body = { jobs: [{}], storage: {}, paused: "yes" };
    const answer = await account.api<{ details: { field: string }[] }>("POST", "/jobs/bulk", body);
    expect(answer.body.details.map((each) => each.field)).toEqual(["jobs[0].url", "storage", "paused"]);
  });

  it("`webhook_url`, `enable_progress_webhook` are ignored, whatever they are", async () => {
    const body = { jobs: [{ url: URL }], webhook_url: 7, enable_progress_webhook: "yes", playlist: "x" };
    const made = await account.api<{ job_ids: string[] }>("POST", "/jobs/bulk", body);
    expect(made.status).toBe(201);
    const job = await account.api("GET", `/jobs/${made.body.job_ids[0]}`);
    expect(job.body).toMatchObject({ webhook_status: "no_webhook", enable_progress_webhook: false });
  });
});

describe("5 `POST /is-short`: `YouTube only (watch?v=, youtu.be/, /shorts/, /embed/), else 400`", () => {
  let asked: AnsweringNode;
  let own: Account;
  beforeAll(async () => {
    own = await newAccount();
    asked = await answeringNode(own, wellInformed);
    return () => asked.close();
  });

  it.each([
    "https://www.youtube.com/watch?v=v1",
    "https://m.youtube.com/watch?v=v1&list=l1",
    "https://youtu.be/v1?t=4",
    "https://www.youtube.com/shorts/v1",
    "https://www.youtube-nocookie.com/embed/v1",
  ])("%s is one", async (url) => {
    const answer = await own.api("POST", "/is-short", { url });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      ...{ is_short: true, video_type: "short", width: 720, height: 1280 },
      ...{ aspect_ratio: 1.778, duration_seconds: 41 },
    });
  });

  it.each([
    "https://www.youtube.com/watch",
    "https://www.youtube.com/live/v1",
    "https://www.youtube.com/v/v1",
    "https://www.youtube.com/playlist?list=l1",
    "https://www.youtube.com/@channel",
    "https://youtu.be/",
    "https://notyoutube.com/watch?v=v1",
    "https://youtube.com.example.org/watch?v=v1",
    "https://vimeo.com/1",
  ])("%s is none", async (url) => {
    expect(refusal(await own.api("POST", "/is-short", { url }))).toEqual({
      status: 400,
      error: "URL must be a YouTube video URL",
      field: "url",
    });
  });
});

describe("6.2 renames: `names without extension, sanitised (§11.1), never rejected for their characters`", () => {
  it.each<[given: string, echoed: string | null]>([
    ["01 - Introduction", "01 - Introduction"],
    ["../a/b\\c", "abc"],
    ["a\u0000b?", "ab"],
    ["CON", "_CON"],
    ["x".repeat(300), "x".repeat(200)],
    ["   ", null],
    ["???", null],
  ])("%j is echoed as %j", async (filename, echoed) => {
    const { batch, jobs } = await pausedBulk();
    const done = await account.api("PATCH", `/batch/${batch}/jobs`, { renames: [{ job_id: jobs[0], filename }] });
    expect([done.status, done.body]).toEqual([200, { updated: 1, errors: [] }]);
    expect((await account.api("GET", `/jobs/${jobs[0]}`)).body.filename).toBe(echoed);
  });

  it("`Part success is 200`: one text per rename not done, with the id as it was sent", async () => {
    const { batch, jobs } = await pausedBulk();
    await account.api("DELETE", `/jobs/${jobs[1]}`);
    const renames = [jobs[0], jobs[1], "nonsense"].map((job_id) => ({ job_id, filename: "a" }));
    const done = await account.api("PATCH", `/batch/${batch}/jobs`, { renames });
    expect([done.status, done.body]).toEqual([
      200,
      { updated: 1, errors: [`Job ${jobs[1]} is not pending`, "Job nonsense does not belong to this batch"] },
    ]);
  });

  it("`at most 1,000 renames`", async () => {
    const { batch, jobs } = await pausedBulk();
    const renames = Array.from({ length: 1_001 }, () => ({ job_id: jobs[0], filename: "a" }));
    expect((await account.api("PATCH", `/batch/${batch}/jobs`, { renames })).status).toBe(400);
    expect((await account.api("PATCH", `/batch/${batch}/jobs`, { renames: renames.slice(1) })).body).toEqual({
      updated: 1_000,
      errors: [],
    });
  });
});

describe("13.10 `429 and 503 always carry Retry-After in whole seconds`: an object of ours that does not take a call", () => {
  /** Breaks one method of an object for as long as `during` runs. */
  async function broken<Target extends Rpc.DurableObjectBranded>(
    stub: DurableObjectStub<Target>,
    method: string,
    during: () => Promise<void>,
  ): Promise<void> {
    const set = (value: unknown) =>
      runInDurableObject(stub, (instance) => {
        Object.defineProperty(instance, method, { value, configurable: true, writable: true });
      });
    await set(() => {
      throw new Error("reset");
    });
    await during();
    await runInDurableObject(stub, (instance) => {
      Reflect.deleteProperty(instance as object, method);
    });
  }

  async function expectStarting(own: Account, method: string, path: string): Promise<void> {
    const answer = await own.api(method, path);
    expect(refusal(answer)).toEqual({ status: 503, error: "Service is starting, try again" });
    expect(answer.headers.get("retry-after")).toBe("2");
  }

  it("the partition", async () => {
    const own = await newAccount();
    await broken(env.PARTITION.getByName(PARTITION), "admit", () => expectStarting(own, "GET", "/jobs"));
    expect((await own.api("GET", "/jobs")).status).toBe(200);
  });

  it("the event stream", async () => {
    const own = await newAccount();
    const id = await own.createJob();
    await broken(env.EVENT_STREAM.getByName(own.id), "fetch", async () => {
      await expectStarting(own, "GET", "/events");
      await expectStarting(own, "GET", `/jobs/${id}/events`);
    });
  });

  it("the courier", async () => {
    const own = await newAccount();
    const path = "/webhooks/01a2310c-2428-78d0-9738-f7d93d9c1724/redeliver";
    await broken(env.COURIER.getByName(own.id), "redeliver", () => expectStarting(own, "POST", path));
    expect(refusal(await own.api("POST", path))).toEqual({ status: 404, error: "Webhook not found" });
  });
});

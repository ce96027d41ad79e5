/** Real answers of every route fit the document exactly: successes and errors, no key too few, none too many. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { PROVIDERS } from "../../../shared/contract/storage.ts";
import type { Received } from "../../courier/fake-receiver.ts";
import { type AnsweringNode, answeringNode, wellInformed } from "../answering-node.ts";
import { s3Storage } from "../storage/support.ts";
import { type Account, type Json, newAccount, newKey } from "../support.ts";
import documented from "./documented-examples.json";
import { Recorder } from "./recorder.ts";
import { differences } from "./same-keys.ts";
import { expectFit } from "./support.ts";

const URL = "https://media.example.com/v1";
const YOUTUBE = "https://www.youtube.com/watch?v=v1";
const UNKNOWN = "01a2310c-0100-726b-b2a7-4de452e6b438";
const HOOK = "https://hooks.test/r/ok/openapi";
/** Webhooks go out beside the answers. */
const SLOW_MACHINE_MS = 15_000;
const SLACK = { webhook_url: "https://hooks.slack.com/services/T0/B0/x" };

let recorder: Recorder;
let account: Account;
let asked: AnsweringNode;
beforeAll(async () => {
  recorder = await Recorder.open();
  account = await newAccount({
    limits: {
      storage_limit_bytes: 2 ** 40,
      max_resolution: "1080",
      max_duration_seconds: 9,
      max_filesize_bytes: 2 ** 31,
    },
  });
  asked = await answeringNode(account, wellInformed, ["a=b"]);
});
afterAll(() => asked.close());

const send = (operationId: string, status: number, sent = {}): Promise<Json> =>
  recorder.send(operationId, status, account.key, sent);
const idOf = async (created: Promise<Json>): Promise<string> => String((await created).job_id);

describe("answers of the routes of", () => {
  it("jobs", async () => {
    const everything = { tags: ["a=b"], metadata: { mine: 1 }, folder: "talks", filename: "x", priority: 3 };
    const body = { url: URL, webhook_url: HOOK, clip_start: "1", clip_end: "2.5", video_codec: "h264", ...everything };
    const pending = await idOf(send("create-job", 201, { body }));
    await send("get-job", 200, { id: pending });
    await send("cancel-job", 200, { id: pending });
    await send("cancel-job", 400, { id: pending });
    await send("stream-job-events", 200, { id: pending });
    await send("stream-job-events", 204, { id: pending, query: `?last_event_id=${Number.MAX_SAFE_INTEGER}` });
    await send("get-job", 200, { id: pending });
    await send("delete-job-file", 400, { id: pending });
    const retried = await idOf(send("retry-job", 201, { id: pending }));
    await send("retry-job", 400, { id: retried });
    const running = await asked.node.take();
    await send("get-job", 200, { id: running.job });
    await asked.node.deliver(running, "bytes");
    await send("stream-job-events", 200, { id: running.job });
    await send("get-job", 200, { id: running.job });
    await send("list-jobs", 200, { query: "?limit=1" });
    await send("list-jobs", 400, { query: "?cursor=x" });
    await send("delete-job-file", 200, { id: running.job });
    const refused = { filename: "..", folder: "", clip_start: "x", playlist: 7, url: "ftp://x" };
    await send("create-job", 400, { body: refused });
    await send("create-job", 400, { body: "{" });
    await send("create-job", 400, { body: "[]" });
    await send("create-job", 413, { body: " ".repeat(1_048_577) });
  });

  it("creates with an idempotency key", async () => {
    const headers = { "x-idempotency-key": "openapi" };
    await send("create-job", 201, { headers, body: { url: URL } });
    await send("create-job", 200, { headers, body: { url: URL } });
    await send("create-job", 422, { headers, body: { url: `${URL}2` } });
    await send("create-job", 400, { headers: { "x-idempotency-key": "x".repeat(256) }, body: { url: URL } });
    const show = { url: "https://open.spotify.com/show/s1" };
    const list = { url: "https://www.youtube.com/playlist?list=l1", playlist_limit: 1, paused: true };
    const bulk = { jobs: [{ url: URL }, { url: URL, filename: "b" }] };
    for (const [operation, key, body] of [
      ["create-job", "show", show],
      ["create-job", "list", list],
      ["create-bulk", "bulk", bulk],
    ] as const) {
      await send(operation, 201, { headers: { "x-idempotency-key": key }, body });
      await send(operation, 200, { headers: { "x-idempotency-key": key }, body });
    }
    const cancelled = await account.createJob();
    await send("cancel-job", 200, { id: cancelled });
    const again = { id: cancelled, headers: { "x-idempotency-key": "again" } };
    for (const status of [201, 200]) await send("retry-job", status, again);
  });

  it("batches", async () => {
    const body = { jobs: [{ url: URL }, { url: URL }], paused: true, folder: "course" };
    const made = await send("create-bulk", 201, { body });
    const id = String(made.batch_id);
    const [job] = made.job_ids as string[];
    await send("get-batch", 200, { id });
    const renames = [
      { job_id: job, filename: "01" },
      { job_id: UNKNOWN, filename: "02" },
    ];
    await send("rename-batch-jobs", 200, { id, body: { renames } });
    await send("rename-batch-jobs", 400, { id, body: { renames: [{ filename: 1 }] } });
    await send("list-batch-jobs", 200, { id });
    await send("start-batch", 200, { id });
    await send("start-batch", 400, { id });
    await send("rename-batch-jobs", 400, { id, body: { renames } });
    await send("cancel-batch", 200, { id });
    await send("get-batch", 200, { id });
    await send("stream-batch-events", 200, { id });
    await send("stream-batch-events", 204, { id, query: `?last_event_id=${Number.MAX_SAFE_INTEGER}` });
    await send("create-bulk", 400, { body: { jobs: [{ url: 1 }] } });
  });

  it("look-ups", async () => {
    await send("get-metadata", 200, { body: { url: URL } });
    await send("is-short", 200, { body: { url: YOUTUBE } });
    await send("is-short", 400, { body: { url: URL } });
    await send("get-metadata", 400, { body: { url: `${URL}/private` } });
    await send("get-metadata", 502, { body: { url: `${URL}/broken` } });
    const alone = await newAccount();
    await recorder.send("get-metadata", 503, alone.key, { body: { url: URL } });
    await recorder.send("is-short", 503, alone.key, { body: { url: YOUTUBE } });
  });

  it("webhooks and account", async () => {
    const id = await vi.waitFor(async () => {
      const { webhooks } = await send("list-webhooks", 200);
      const [delivery] = webhooks as { id: string }[];
      return delivery?.id ?? expect.fail("the webhook of the delivered job is not in the log yet");
    });
    await send("redeliver-webhook", 200, { id });
    await send("list-webhooks", 400, { query: "?cursor=x" });
    await send("get-webhook-secret", 200);
    await send("rotate-webhook-secret", 200);
    await send("set-slack", 200, { body: SLACK });
    await send("set-slack", 400, { body: { webhook_url: URL, notify_level: "none" } });
    await send("remove-slack", 200);
    await send("remove-slack", 404);
    await send("get-usage", 200);
    const unlimited = await newAccount();
    await recorder.send("get-usage", 200, unlimited.key);
  });

  it("storage", async () => {
    const good = s3Storage("b-openapi", { folder_prefix: "downloads/2026" });
    for (const provider of PROVIDERS) {
      await send(`get-${provider}-storage`, 200);
      await send(`set-${provider}-storage`, 400, { body: { endpoint: "x", base_folder: "..", account_key: "?" } });
      await send(`remove-${provider}-storage`, 404);
    }
    await send("set-s3-storage", 400, { body: { ...good, bucket: "not-there" } });
    await send("set-s3-storage", 200, { body: good });
    await send("get-s3-storage", 200);
    await send("remove-s3-storage", 200);
    await send("set-bucket", 400, { body: {} });
    await send("set-bucket", 200, { body: good });
    await send("get-s3-storage", 200);
    await send("remove-bucket", 200);
    const storage = { provider: "s3", ...good };
    await send("create-job", 201, { body: { url: URL, storage } });
    await send("create-job", 400, { body: { url: URL, storage: { ...storage, bucket: "not-there" } } });
    await send("create-job", 400, { body: { url: URL, storage: { provider: "gdrive" } } });
    await send("create-bulk", 400, { body: { jobs: [{ url: URL }], storage } });
  });

  it("the dashboard and the service", async () => {
    for (const name of ["stats", "jobs", "batches", "daily", "cluster", "billing"])
      await send(`dashboard-${name}`, 200);
    await recorder.send("get-health", 200, null);
    await recorder.send("get-ready", 200, null);
    await recorder.send("get-openapi", 200, null);
    await recorder.send("get-swagger", 200, null);
    await recorder.send("events-socket", 101, account.key, { headers: { upgrade: "websocket" } });
    await recorder.send("events-socket", 400, account.key);
    await recorder.send("events-socket", 401, "sk_nobody_has_this_key", { headers: { upgrade: "websocket" } });
  });

  it("a key that is over its quota, or out of requests", async () => {
    const full = await newAccount({ limits: { storage_limit_bytes: 9 } });
    const { node, close } = await answeringNode(full, wellInformed);
    const id = await idOf(recorder.send("create-job", 201, full.key, { body: { url: URL } }));
    await node.deliver(await node.take(), "the bytes");
    close();
    await vi.waitFor(async () => {
      expect(await recorder.send("get-job", 200, full.key, { id })).toMatchObject({ status: "Completed" });
    });
    for (const operation of ["create-job", "create-bulk"]) {
      await recorder.send(operation, 403, full.key, { body: { url: URL, jobs: [{ url: URL }] } });
    }
    const slow = await newAccount({ limits: { rate_per_second: 1 } });
    for (const status of [200, 200, 429]) await recorder.send("list-jobs", status, slow.key);
  });

  it("every route without a key, with a wrong one, without the scope, and with an unknown id", async () => {
    const { key } = await newKey(account.id, { scopes: ["admin"] });
    for (const { operationId, operation, path } of recorder.operations) {
      if ((operation.security as unknown[]).length === 0) continue;
      await recorder.send(operationId, 401, null, { id: UNKNOWN });
      await recorder.send(operationId, 401, "sk_nobody_has_this_key", { id: UNKNOWN });
      await recorder.send(operationId, 403, key, { id: UNKNOWN });
      const body = operation.requestBody === undefined ? {} : { body: { renames: [] } };
      if (path.includes("{id}")) await send(operationId, 404, { id: UNKNOWN, ...body });
    }
  });
});

/** Bodies of webhooks, told apart by their type. */
async function sentBodies(): Promise<Json[]> {
  const own = await newAccount();
  const { node, close } = await answeringNode(own, wellInformed);
  const fails = { webhook_url: "https://hooks.test/r/ok/openapi-ends", enable_progress_webhook: true };
  await own.createJob(fails);
  await node.deliver(await node.take(), "bytes");
  for (const why of ["too_large", "private", "drm"]) {
    await own.createJob(fails);
    const failure = { class: why, message: "", retry_after_seconds: null, permanent: true };
    await node.job(await node.take(), "fail", failure);
  }
  const show = await own.api("POST", "/jobs", { url: "https://open.spotify.com/show/s1", ...fails });
  await own.api("DELETE", `/batch/${show.body.batch_id}`);
  close();
  const wanted = ["job_completed", "job_failed", "job_warning", "job_skipped", "batch_completed", "progress"];
  return vi.waitFor(async () => {
    const requests = (await fetch("https://receiver.fake/requests/openapi-ends")).json<Received[]>();
    const bodies = (await requests).map((each) => JSON.parse(each.body) as Json);
    expect(bodies.map((each) => each.type)).toEqual(expect.arrayContaining(wanted));
    return bodies;
  }, SLOW_MACHINE_MS);
}

describe("together they", () => {
  const NOTICES: Record<string, string> = {
    JobCompletedNotice: "job_completed",
    JobFailedNotice: "job_failed",
    JobWarningNotice: "job_warning",
    JobSkippedNotice: "job_skipped",
    BatchCompletedNotice: "batch_completed",
    ProgressNotice: "progress",
  };

  it("have, for every documented example, an answer with its very keys in its very order", async () => {
    const bodies = await sentBodies();
    const found = documented
      .filter(({ where }) => !where.endsWith(" body"))
      .map(({ section, where, example }) => {
        const real = bodies.filter((each) => each.type === NOTICES[where]);
        const answers = where === "JobEvent" ? recorder.valuesOf("stream-job-events 200") : recorder.valuesOf(where);
        const told = [...real, ...answers].map((each) => differences(example, each));
        const [closest = ["no answer"]] = told.toSorted((a, b) => a.length - b.length);
        return { section, where, differences: closest };
      });
    expect(found.filter((each) => each.differences.length > 0)).toEqual([]);
    expect(found.length).toBeGreaterThan(35);
  });

  it("fit the schemas of the document", async () => {
    await expectFit(recorder.document, recorder.checks());
  });

  it("are a success and, if it can refuse, a refusal of every route", () => {
    // The account's stream stays open: test/edge/events reads it. Of storage, S3 alone is served.
    const unserved = ["set-blob-storage", "remove-blob-storage", "set-gcs-storage", "remove-gcs-storage"];
    const without = ["stream-events", ...unserved, "set-oss-storage", "remove-oss-storage"];
    expect(recorder.without((status) => status < 300).toSorted()).toEqual(without.toSorted());
    const open = ["get-health", "get-ready", "get-openapi", "get-swagger"];
    expect(recorder.without((status) => status >= 400).toSorted()).toEqual(open.toSorted());
  });
});

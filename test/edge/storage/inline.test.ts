/** Inline `storage` on creates and retries (jobs API 3.1, 3.8, 9.2, 11.2), and the account's storage on retries. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { MANAGED_TARGET } from "../../../edge/partition/targets.ts";
import { answeringNode, wellInformed } from "../answering-node.ts";
import { TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, refusal } from "../support.ts";
import { rowsNaming } from "../tables.ts";
import { deliver, eventually, newBucket, readJob, s3, s3Storage, untilStatus, useStorage } from "./support.ts";

const URL_1 = "https://media.example.com/v1";
const KEY = "videos/A talk.mp4";

let account: Account;
let bucket: string;
beforeEach(async () => {
  account = await newAccount();
  bucket = newBucket("inline");
});

const inline = (changes: Json = {}) => ({ provider: "s3", ...s3Storage(bucket, changes) });
const create = (storage: unknown, more: Json = {}) => account.api("POST", "/jobs", { url: URL_1, storage, ...more });
const keys = async (of = bucket) => Object.keys((await s3.look(of)).objects);

async function jobRow(id: string) {
  return env.DB.prepare("SELECT sealed, target_id FROM jobs WHERE id = ?")
    .bind(id)
    .first<{ sealed: string; target_id: string }>();
}

describe("inline storage", () => {
  it("takes the file, though the account has another", async () => {
    const other = newBucket("inline");
    await useStorage(account, other);
    const job = await deliver(account, "the bytes", { storage: inline({ folder_prefix: "once" }) });
    expect(job.files.map((file) => file.key)).toEqual(["once/videos/A talk.mp4"]);
    expect([await keys(), await keys(other)]).toEqual([["once/videos/A talk.mp4"], []]);
  });

  it("is answered one URL, the same at each read, and in the webhook", async () => {
    const hook = `https://hooks.test/r/200/${bucket}`;
    const { id, s3_url: first } = await deliver(account, "the bytes", { storage: inline(), webhook_url: hook });
    expect(new URL(first ?? "").searchParams.get("X-Amz-Expires")).toBe("86400");
    expect((await readJob(account, id)).s3_url).toBe(first);
    expect(await (await fetch(first ?? "")).text()).toBe("the bytes");
    const body = await eventually(async () => {
      const answer = await fetch(`https://receiver.fake/requests/${bucket}`);
      const [received] = (await answer.json()) as { body: string }[];
      if (received === undefined) throw new Error("no webhook yet");
      return JSON.parse(received.body) as Json;
    });
    expect(body).toMatchObject({ type: "job_completed", key: KEY, s3_url: first });
    const location = await call(`/api/download/${id}/file`, {
      headers: { "x-api-key": account.key },
      redirect: "manual",
    });
    expect(location.headers.get("location")).toBe(first);
  });

  it("has no URL any more after 24 hours, and none that another configuration could give", async () => {
    const { id } = await deliver(account, "the bytes", { storage: inline() });
    await eventually(async () => expect((await jobRow(id))?.sealed).toBeNull());
    await useStorage(account, bucket);
    await eventually(async () => {
      const { meta } = await env.DB.prepare("UPDATE files SET url_until = ? WHERE job_id = ?")
        .bind(Date.now() - 1, id)
        .run();
      expect(meta.changes).toBe(1);
      expect(await readJob(account, id)).toMatchObject({ status: "Completed", s3_url: null });
    });
    expect(refusal(await account.api("DELETE", `/jobs/${id}/file`))).toEqual({
      status: 400,
      error: "Job has no file to delete",
    });
    expect(await keys()).toEqual([KEY]);
  });

  it("is sealed with the job and erased with its end, here and in D1", async () => {
    const { body } = await create(inline());
    const id = String(body.job_id);
    const row = await jobRow(id);
    expect(row?.sealed).toMatch(/^v1\./);
    expect(await rowsNaming(`secret-of-AK${bucket}`)).toEqual([]);
    const sealed = String(row?.sealed);
    expect((await rowsNaming(sealed)).length).toBeGreaterThanOrEqual(2);
    await account.api("DELETE", `/jobs/${id}`);
    await eventually(async () => expect(await rowsNaming(sealed)).toEqual([]));
  });

  it.each<[unknown, string, string]>([
    ["s3", "storage must be an object", "storage"],
    [[], "storage must be an object", "storage"],
    [{}, "storage.provider is required", "storage.provider"],
    [{ provider: 1 }, "storage.provider must be a string", "storage.provider"],
    [{ provider: "gdrive" }, "storage.provider must be one of: s3, blob, gcs, oss", "storage.provider"],
    [{ provider: "s3" }, "storage.endpoint is required", "storage.endpoint"],
    [{ ...inline(), bucket: null }, "storage.bucket is required", "storage.bucket"],
    [
      { ...inline(), endpoint: "http://[::1]:9000" },
      "storage.endpoint must not point to a private address",
      "storage.endpoint",
    ],
    [
      { ...inline(), endpoint: "file:///etc" },
      "storage.endpoint must be a valid http or https URL",
      "storage.endpoint",
    ],
    [
      { provider: "blob", account_name: "abc", container: "my-videos" },
      "Either account_key or sas_token must be provided",
      "storage.account_key",
    ],
    [
      { provider: "blob", account_name: "abc", container: "my-videos", sas_token: "sig=x" },
      "Credential validation failed: AuthenticationFailed",
      "storage",
    ],
  ])("refuses %j", async (storage, error, field) => {
    expect(refusal(await create(storage))).toEqual({ status: 400, error, field });
  });

  it("stands in the order of the table with the other bad fields", async () => {
    const answer = await create(
      { provider: "s3", ...s3Storage(bucket), region: 1 },
      { paused: 1, format: 2, max_duration: "x" },
    );
    const fields = (answer.body.details as { field: string }[]).map((each) => each.field);
    expect(fields).toEqual(["format", "max_duration", "storage.region", "paused"]);
  });

  it("that does not stand the probe creates nothing, and leaves the idempotency key free", async () => {
    const headers = { "x-idempotency-key": bucket };
    const ask = () => account.api("POST", "/jobs", { url: URL_1, storage: inline() }, headers);
    await s3.deny(`AK${bucket}`);
    expect(refusal(await ask())).toEqual({
      status: 400,
      error: "Credential validation failed: AccessDenied",
      field: "storage",
    });
    expect((await account.api("GET", "/jobs")).body.total).toBe(0);
    await s3.deny(`AK${bucket}`, false);
    const made = await ask();
    expect(made.status).toBe(201);
    expect((await ask()).body).toEqual({ ...made.body, cached: true });
  });

  it("is not probed when the queue is full or the quota reached, nor when a field is bad", async () => {
    account = await newAccount({ limits: { max_queued: 1 } });
    await account.createJob();
    expect(refusal(await create(inline()))).toMatchObject({ status: 503, error: "Queue is full" });
    expect((await create(inline(), { priority: 99 })).status).toBe(400);
    expect((await s3.look(bucket)).calls).toEqual([]);
  });

  it("is probed before a list is asked for", async () => {
    const list = "https://www.youtube.com/playlist?list=l1";
    const wrong = inline({ bucket: "not-there" });
    expect(refusal(await create(wrong, { url: list }))).toMatchObject({
      error: "Credential validation failed: NoSuchBucket",
    });
    expect(refusal(await create(inline(), { url: list }))).toMatchObject({
      status: 503,
      error: "No worker node is online",
    });
  });

  it("goes to all items of a list, each with a copy that ends with it", async () => {
    const { node, close } = await answeringNode(account, wellInformed);
    const made = await create(inline(), { url: "https://www.youtube.com/playlist?list=l1" });
    const ids = made.body.video_jobs as string[];
    expect(ids.length).toBeGreaterThan(0);
    const rows = await Promise.all(ids.map(jobRow));
    expect(new Set(rows.map((row) => row?.target_id)).size).toBe(1);
    for (const row of rows) expect(row?.sealed).toMatch(/^v1\./);
    for (const job of await node.lease()) {
      await node.job(job, "confirm");
      await node.deliver(job, `bytes of ${job.job}`, { title: job.job });
      await untilStatus(account, job.job, "Completed");
      await eventually(async () => expect((await jobRow(job.job))?.sealed).toBeNull());
    }
    close();
    expect((await keys()).length).toBe(ids.length);
  });

  it("goes to the children of a job that turns out to be a list", async () => {
    const parent = String((await create(inline())).body.job_id);
    const node = await TestNode.online(account);
    const job = await node.take();
    const entries = ["one", "two"].map((title) => ({ url: `${URL_1}/${title}`, title }));
    const list = { kind: "list", title: "List", entries, truncated: false };
    expect((await node.job(job, "extracted", { result: list })).body).toEqual({ decision: "expanded" });
    const children = await eventually(async () => {
      const leased = await node.lease();
      expect(leased).toHaveLength(2);
      return leased;
    });
    for (const child of children) {
      await node.job(child, "confirm");
      await node.deliver(child, child.job, { title: child.job });
    }
    const done = await untilStatus(account, parent, "Completed");
    expect(done.s3_url).toContain(`/${bucket}/videos/`);
    expect(await keys()).toHaveLength(2);
    await eventually(async () => {
      for (const each of [parent, ...children.map((child) => child.job)])
        expect((await jobRow(each))?.sealed).toBeNull();
    });
  });

  it("is refused for bulk requests, which would put files in the wrong place", async () => {
    const answer = await account.api("POST", "/jobs/bulk", { jobs: [{ url: URL_1 }], storage: inline() });
    expect(refusal(answer)).toEqual({
      status: 400,
      error: "storage is not supported in bulk requests",
      field: "storage",
    });
  });
});

describe("a retry", () => {
  async function failedJob(body: Json = {}): Promise<string> {
    const id = await account.createJob(body);
    expect((await account.api("DELETE", `/jobs/${id}`)).status).toBe(200);
    return id;
  }
  const retry = async (id: string, body?: Json) => account.api("POST", `/jobs/${id}/retry`, body);

  it("without storage goes to the account's current one, as it is now", async () => {
    const id = await failedJob({ storage: inline() });
    const managed = String((await retry(id)).body.job_id);
    expect((await jobRow(managed))?.target_id).toBe(MANAGED_TARGET);
    const current = newBucket("inline");
    await useStorage(account, current);
    const again = String((await retry(id)).body.job_id);
    const node = await TestNode.online(account);
    for (const job of await node.lease()) {
      await node.job(job, "confirm");
      await node.deliver(job, "bytes", { title: job.job === again ? "mine" : "managed" });
    }
    await untilStatus(account, again, "Completed");
    expect([await keys(current), await keys()]).toEqual([["videos/mine.mp4"], []]);
  });

  it("with storage goes there, probed first", async () => {
    const id = await failedJob();
    const wrong = await retry(id, { storage: inline({ secret_key: "wrong" }) });
    expect(refusal(wrong)).toEqual({
      status: 400,
      error: "Credential validation failed: SignatureDoesNotMatch",
      field: "storage",
    });
    const retried = String((await retry(id, { storage: inline() })).body.job_id);
    const node = await TestNode.online(account);
    await node.deliver(await node.take(), "bytes");
    await untilStatus(account, retried, "Completed");
    expect(await keys()).toEqual([KEY]);
  });

  it("with bad storage names the field", async () => {
    const answer = await retry(await failedJob(), { storage: { provider: "s3", endpoint: "x" } });
    expect(refusal(answer)).toMatchObject({ status: 400, field: "storage.endpoint" });
  });
});

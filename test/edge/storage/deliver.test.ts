/** Jobs that deliver to storage of the client's own: keys, URLs, collisions, failures, deletion (jobs API 11.1, 11.2, 3.9). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { extractedInfo, manifestOf, PARTITION, putPart, TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount, refusal, store } from "../support.ts";
import { deliver, eventually, newBucket, readJob, s3, s3Storage, untilStatus, useStorage } from "./support.ts";

let account: Account;
let bucket: string;
beforeEach(async () => {
  account = await newAccount();
  bucket = newBucket("deliver");
});

const KEY = "videos/A talk.mp4";
const keys = async () => Object.keys((await s3.look(bucket)).objects).toSorted();

describe("an account's storage", () => {
  it("takes the file straight from the node, under its logical key", async () => {
    await useStorage(account, bucket, { folder_prefix: "downloads/2026", base_folder: "media" });
    const job = await deliver(account, "the bytes", { folder: "talks/one" });
    const key = "downloads/2026/media/talks/one/A talk.mp4";
    expect(job.files.map((file) => file.key)).toEqual([key]);
    const { objects, uploads } = await s3.look(bucket);
    expect([objects, uploads]).toEqual([{ [key]: "the bytes" }, []]);
    expect((await store<{ objects: string[] }>("GET", "list")).objects).not.toContain(key);
  });

  it("takes no file without its hash, which a bucket does not count", async () => {
    await useStorage(account, bucket);
    await account.createJob({});
    const node = await TestNode.online(account);
    const job = await node.take();
    const looked = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
    const [ticket] = (looked.body as { tickets: { upload_id: string; urls: { url: string }[] }[] }).tickets;
    expect(ticket).not.toHaveProperty("counts_sha256");
    const put = await putPart(ticket?.urls[0]?.url ?? "", "bytes");
    const manifest = await manifestOf(ticket?.upload_id ?? "", "bytes", put.headers.get("etag") ?? "");
    const [{ sha256, ...file } = {}] = manifest.files as Json[];
    const without = await node.job(job, "complete", { manifest: { ...manifest, files: [file] } });
    const message = "manifest.files.0.sha256: required, because the store of this file counts none";
    expect(without).toMatchObject({ status: 400, body: { error: "bad_request", message } });
    expect(await keys()).toEqual([]);
    expect((await node.job(job, "complete", { manifest })).status, `with ${sha256}`).toBe(200);
    await eventually(async () => expect(await keys()).toEqual([KEY]));
  });

  it("serves it by a URL of the provider's own, which says nothing of us", async () => {
    await useStorage(account, bucket);
    const job = await deliver(account, "the bytes");
    const url = new URL(job.s3_url ?? "");
    expect([url.origin, url.pathname]).toEqual(["https://s3.fake", `/${bucket}/videos/A%20talk.mp4`]);
    expect(url.searchParams.get("X-Amz-Expires")).toBe("86400");
    expect(await (await fetch(url)).text()).toBe("the bytes");
    expect(job.files[0]?.url).not.toBeNull();
  });

  it("is out of reach after another was configured, and back when the same store is", async () => {
    await useStorage(account, bucket);
    const { id } = await deliver(account, "the bytes");
    const url = async () => (await readJob(account, id)).s3_url;
    const elsewhere = newBucket("deliver");
    await useStorage(account, elsewhere);
    expect(await url()).toBeNull();
    await account.api("DELETE", "/user/s3");
    expect(await url()).toBeNull();
    expect(refusal(await account.api("DELETE", `/jobs/${id}/file`))).toEqual({
      status: 400,
      error: "Job has no file to delete",
    });
    // Another key and another prefix: the same provider, endpoint and bucket.
    const access = { access_key: `AK2${bucket}`, secret_key: `secret-of-AK2${bucket}` };
    await useStorage(account, bucket, { ...access, endpoint: "https://S3.fake:443/", folder_prefix: "new" });
    expect(await (await fetch((await url()) ?? "")).text()).toBe("the bytes");
  });

  it("holds new jobs only: those before and after it are managed", async () => {
    const before = await deliver(account, "before");
    await useStorage(account, bucket);
    await deliver(account, "inside");
    await account.api("DELETE", "/user/s3");
    const after = await deliver(account, "after");
    for (const job of [before, after]) expect(job.s3_url).toMatch(/^https:\/\/edge\.test\/f\//);
    expect(await keys()).toEqual([KEY]);
  });

  it("stays a job's own when it is replaced while the job runs", async () => {
    await useStorage(account, bucket);
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const job = await node.take();
    await account.api("DELETE", "/user/s3");
    await node.deliver(job, "the bytes");
    await untilStatus(account, id, "Completed");
    expect(await keys()).toEqual([KEY]);
  });
});

describe("a name", () => {
  it("that lies in the bucket already is passed over before the download", async () => {
    await useStorage(account, bucket);
    await s3.put(bucket, KEY, "foreign");
    await s3.put(bucket, "videos/A talk (2).mp4", "foreign too");
    const job = await deliver(account, "mine");
    expect(job.files[0]?.key).toBe("videos/A talk (3).mp4");
    expect((await s3.look(bucket)).objects).toEqual({
      [KEY]: "foreign",
      "videos/A talk (2).mp4": "foreign too",
      "videos/A talk (3).mp4": "mine",
    });
  });

  it("that appears during the upload is never overwritten: the job is repeated under the next one", async () => {
    await useStorage(account, bucket);
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const job = await node.take();
    const complete = await uploadOnly(node, job, "mine");
    await s3.put(bucket, KEY, "foreign");
    await complete();
    await eventually(async () => expect(await readJob(account, id)).toMatchObject({ status: "Pending" }));
    expect((await s3.look(bucket)).objects).toEqual({ [KEY]: "foreign" });
    await eventually(async () => expect((await s3.look(bucket)).uploads).toEqual([]));
  });

  it("under which somebody has put another object in the place of ours is theirs, though that bears our metadata", async () => {
    await useStorage(account, bucket);
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const complete = await uploadOnly(node, await node.take(), "mine");
    await s3.fail({ operation: "complete", bucket, times: 1, how: "replaced" });
    await complete();
    await eventually(async () => expect(await readJob(account, id)).toMatchObject({ status: "Pending" }));
    // No upload waits to be aborted: that would take the object for what it has left behind.
    const waiting = (_: unknown, { storage }: DurableObjectState) =>
      storage.sql.exec("SELECT upload_id FROM uploads WHERE job_id = ?", id).toArray();
    expect(await runInDurableObject(env.PARTITION.getByName(PARTITION), waiting)).toEqual([]);
    const { objects, uploads } = await s3.look(bucket);
    expect([Object.keys(objects), objects[KEY] === "mine", uploads]).toEqual([[KEY], false, []]);
  });

  it("differs by case: a bucket is no file system", async () => {
    await useStorage(account, bucket);
    await deliver(account, "one", { filename: "Talk" });
    await deliver(account, "two", { filename: "talk" });
    expect(await keys()).toEqual(["videos/Talk.mp4", "videos/talk.mp4"]);
  });
});

/** Everything but the completion, which is returned. */
async function uploadOnly(node: TestNode, job: { job: string; token: string }, bytes: string) {
  const extracted = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
  const { tickets } = extracted.body as {
    tickets?: { upload_id: string; guarded?: boolean; urls: { url: string }[] }[];
  };
  const ticket = tickets?.[0];
  if (ticket === undefined) throw new Error(JSON.stringify(extracted.body));
  expect(ticket.guarded).toBe(true);
  const put = await putPart(ticket.urls[0]?.url ?? "", bytes);
  const manifest = await manifestOf(ticket.upload_id, bytes, put.headers.get("etag") ?? "");
  return () => node.job(job, "complete", { manifest });
}

describe("a folder of the downloads that is read-only", () => {
  const says =
    "the folder 'videos' below the downloads folder is read-only: give the user that runs Trawl the right to write there";
  const failed = { status: "Failed", error: `Upload failed: ${says}`, error_type: "error" };
  const refuse = async (call: "begin" | "commit", answer: Json) => {
    const row = await env.DB.prepare("SELECT store_prefix FROM accounts WHERE id = ?").bind(account.id).first<Json>();
    const key = `${row?.store_prefix}${KEY}`;
    await store("POST", "fault", JSON.stringify({ call, key, times: 1, status: 200, answer }));
  };

  it("ends the job at once, before its download", async () => {
    const id = await account.createJob();
    const node = await TestNode.online(account);
    await refuse("begin", { read_only: "videos" });
    const looked = await node.job(await node.take(), "extracted", {
      result: { kind: "single", info: extractedInfo() },
    });
    expect(looked.body).toEqual({ decision: "stop" });
    expect(await readJob(account, id)).toMatchObject(failed);
  });

  it("ends it at once when it has become so since", async () => {
    const id = await account.createJob();
    const node = await TestNode.online(account);
    await refuse("commit", { kind: "refused", code: "read_only", permanent: true, read_only: "videos" });
    await node.deliver(await node.take(), "the bytes");
    expect(await untilStatus(account, id, "Failed")).toMatchObject(failed);
  });
});

describe("a storage that refuses", () => {
  it("before the download ends the job at once, for good if the credentials are refused", async () => {
    await useStorage(account, bucket);
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const job = await node.take();
    await s3.deny(`AK${bucket}`);
    const answer = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
    expect(answer.body).toEqual({ decision: "stop" });
    expect(await readJob(account, id)).toMatchObject({
      status: "Failed",
      error: "Upload failed: AccessDenied",
      error_type: "error",
    });
  });

  it("at the commit ends it likewise", async () => {
    await useStorage(account, bucket);
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const complete = await uploadOnly(node, await node.take(), "mine");
    await s3.deny(`AK${bucket}`);
    await complete();
    const failed = await untilStatus(account, id, "Failed");
    expect(failed.error).toBe("Upload failed: AccessDenied");
  });

  it("in passing is asked again, and the job completes with one object", async () => {
    await useStorage(account, bucket);
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const complete = await uploadOnly(node, await node.take(), "mine");
    await s3.fail({ operation: "complete", bucket, times: 2, how: { status: 503, code: "SlowDown" } });
    await s3.fail({ operation: "complete", bucket, times: 1, how: "lost" });
    await complete();
    await eventually(async () => expect(await readJob(account, id)).toMatchObject({ status: "Completed" }));
    expect((await s3.look(bucket)).objects).toEqual({ [KEY]: "mine" });
  });
});

describe("DELETE /jobs/{id}/file", () => {
  it("deletes the object that we wrote, once", async () => {
    await useStorage(account, bucket);
    const { id } = await deliver(account, "the bytes");
    const answer = await account.api("DELETE", `/jobs/${id}/file`);
    expect(answer.body).toMatchObject({ message: "File deleted successfully", deleted_key: KEY });
    expect(await keys()).toEqual([]);
    expect((await account.api("DELETE", `/jobs/${id}/file`)).status).toBe(400);
    expect(await deliver(account, "again")).toMatchObject({ files: [{ key: KEY }] });
  });

  it("leaves an object that somebody else has put there since", async () => {
    await useStorage(account, bucket);
    const { id } = await deliver(account, "the bytes");
    await s3.put(bucket, KEY, "somebody else's");
    expect(refusal(await account.api("DELETE", `/jobs/${id}/file`))).toEqual({
      status: 400,
      error: "Job has no file to delete",
    });
    expect((await s3.look(bucket)).objects).toEqual({ [KEY]: "somebody else's" });
  });

  it("tells of a storage that does not answer, and deletes nothing", async () => {
    await useStorage(account, bucket);
    const { id } = await deliver(account, "the bytes");
    await s3.fail({ operation: "head", bucket, times: 1, how: { status: 503, code: "SlowDown" } });
    const answer = await account.api("DELETE", `/jobs/${id}/file`);
    expect(refusal(answer)).toEqual({ status: 503, error: "Storage is unavailable: SlowDown" });
    expect(answer.headers.get("retry-after")).toBe("30");
    expect((await readJob(account, id)).files).toHaveLength(1);
  });
});

describe("the downloads API", () => {
  it("sends to the provider, which names the file as the task does", async () => {
    await useStorage(account, bucket);
    const { id } = await deliver(account, "the bytes");
    const answer = await call(`/api/download/${id}/file`, {
      headers: { "x-api-key": account.key },
      redirect: "manual",
    });
    expect(answer.status).toBe(302);
    const file = await fetch(answer.headers.get("location") ?? "");
    expect(file.headers.get("content-disposition")).toBe(`attachment; filename*=UTF-8''A%20talk__${id}.mp4`);
    expect(await file.text()).toBe("the bytes");
    await account.api("DELETE", "/user/s3");
    const gone = await call(`/api/download/${id}/file`, { headers: { "x-api-key": account.key } });
    expect([gone.status, await gone.json()]).toEqual([404, { detail: "File no longer exists" }]);
  });

  it("removes a task, and not the file from a bucket that is not ours", async () => {
    await useStorage(account, bucket);
    const { id } = await deliver(account, "the bytes");
    expect((await account.api("DELETE", `/api/downloads/${id}/remove`)).status).toBe(200);
    expect(await keys()).toEqual([KEY]);
    expect((await readJob(account, id)).s3_url).not.toBeNull();
  });
});

describe("a job that is cancelled by force", () => {
  it.each<[string, () => Json]>([
    ["the account's storage", () => ({})],
    [
      "inline storage, whose secrets are erased with the job",
      () => ({ storage: { provider: "s3", ...s3Storage(bucket) } }),
    ],
  ])("leaves nothing in %s", async (_, body) => {
    if (!("storage" in body())) await useStorage(account, bucket);
    const id = await account.createJob(body());
    const node = await TestNode.online(account);
    await uploadOnly(node, await node.take(), "mine");
    expect((await s3.look(bucket)).uploads).toEqual([KEY]);
    expect((await account.api("DELETE", `/jobs/${id}?force=true`)).status).toBe(200);
    await eventually(async () => expect((await s3.look(bucket)).uploads).toEqual([]));
    expect(await keys()).toEqual([]);
  });
});

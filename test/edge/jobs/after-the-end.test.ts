import { expect, test } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, call, newAccount, readStream, refusal } from "../support.ts";

async function completed(account: Account): Promise<string> {
  const id = await account.createJob({ folder: "talks" });
  const node = await TestNode.online(account);
  await node.deliver(await node.take(), "the bytes", { title: "A talk" });
  await readStream(await call(`/jobs/${id}/events`, { headers: { "x-api-key": account.key } }));
  return id;
}

async function failed(account: Account): Promise<string> {
  const id = await account.createJob({ folder: "talks", metadata: { a: 1 }, priority: 3 });
  const node = await TestNode.online(account);
  const failure = { class: "private", message: "Video is private", retry_after_seconds: null, permanent: false };
  await node.job(await node.take(), "fail", failure);
  return id;
}

test("a job echoes what its file has where copy could not be kept, with the quality in force", async () => {
  const account = await newAccount();
  const id = await account.createJob({ format: "webm", clip_start: "2.5" });
  const node = await TestNode.online(account);
  const effective = { video_codec: "vp9", audio_codec: "opus", video_quality: 31, actual_clip_start: 2.5 };
  await node.deliver(await node.take(), "the bytes", {}, { ...effective, actual_clip_end: 7.125 });
  await readStream(await call(`/jobs/${id}/events`, { headers: { "x-api-key": account.key } }));
  expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({
    ...effective,
    actual_clip_end: 7.125,
    audio_bitrate: "192k",
  });
});

test("retry makes a new job with the same parameters; the original is untouched", async () => {
  const account = await newAccount();
  const id = await failed(account);
  const answer = await account.api("POST", `/jobs/${id}/retry`);
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({
    job_id: expect.any(String),
    original_job_id: id,
    message: "Job re-queued successfully",
  });
  expect((await account.api("GET", `/jobs/${answer.body.job_id}`)).body).toMatchObject({
    status: "Pending",
    folder: "talks",
    metadata: { a: 1 },
    priority: 3,
    batch_id: null,
  });
  expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Warning" });
  expect((await account.api("GET", "/usage")).body).toMatchObject({ usage_count: 2 });
});

test("only failed jobs can be retried", async () => {
  const account = await newAccount();
  for (const id of [await account.createJob(), await completed(await newAccount())]) {
    const answer = await account.api("POST", `/jobs/${id}/retry`);
    expect([400, 404]).toContain(answer.status);
  }
  expect(refusal(await account.api("POST", `/jobs/${await account.createJob()}/retry`))).toEqual({
    status: 400,
    error: "Only failed jobs can be retried",
  });
});

test("a deleted file is gone for good: its URLs and key are null, the record and its size stay", async () => {
  const account = await newAccount();
  const id = await completed(account);
  const before = await account.api<{ s3_url: string }>("GET", `/jobs/${id}`);
  const answer = await account.api("DELETE", `/jobs/${id}/file`);
  expect(answer.body).toEqual({
    message: "File deleted successfully",
    job_id: id,
    deleted_key: "videos/talks/A talk.mp4",
  });
  expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({
    status: "Completed",
    s3_url: null,
    files: [],
    file_size: 9,
  });
  const { body } = await account.api<{ jobs: { s3_key: unknown }[] }>("GET", "/jobs");
  expect(body.jobs[0]?.s3_key).toBe(null);
  const url = new URL(before.body.s3_url);
  expect((await call(url.pathname + url.search)).status).toBe(403);
  expect(refusal(await account.api("DELETE", `/jobs/${id}/file`))).toEqual({
    status: 400,
    error: "Job has no file to delete",
  });
});

test("the name of a deleted file is free again", async () => {
  const account = await newAccount();
  const first = await completed(account);
  await account.api("DELETE", `/jobs/${first}/file`);
  const second = await completed(account);
  const { body } = await account.api<{ files: { key: string }[] }>("GET", `/jobs/${second}`);
  expect(body.files[0]?.key).toBe("videos/talks/A talk.mp4");
});

test("usage is cumulative transfer: deleting a file does not lower it", async () => {
  const account = await newAccount({ limits: { storage_limit_bytes: 2 ** 30, max_resolution: "720" } });
  const id = await completed(account);
  await account.api("DELETE", `/jobs/${id}/file`);
  expect((await account.api("GET", "/usage")).body).toEqual({
    client_name: "Studio North",
    usage_count: 1,
    storage_usage_gb: 0,
    storage_reserved_gb: 0,
    storage_effective_usage_gb: 0,
    storage_limit_gb: 1,
    storage_limit_bytes: 2 ** 30,
    storage_remaining_gb: 1,
    max_resolution_limit: "720",
  });
});

test("a reached storage limit refuses creates with the documented 403", async () => {
  const account = await newAccount({ limits: { storage_limit_bytes: 9 } });
  await completed(account);
  const answer = await account.api("POST", "/jobs", { url: "https://media.example.com/x" });
  expect(answer.status).toBe(403);
  expect(answer.body).toEqual({
    error: "Storage quota exceeded",
    limit_gb: "0.00",
    used_gb: "0.00",
    message: "This API key has a 0 GB limit and has used 0.00 GB",
  });
});

test("the dashboard's four states add up to the total, and today's day has today's jobs", async () => {
  const account = await newAccount();
  await completed(account);
  await failed(account);
  await account.createJob();
  expect((await account.api("GET", "/dashboard/stats")).body).toMatchObject({
    total_jobs: 3,
    pending_jobs: 1,
    processing_jobs: 0,
    completed_jobs: 1,
    failed_jobs: 1,
    storage_used_bytes: 9,
    today_throughput_bytes: 9,
  });
  await account.api("GET", "/jobs");
  const { body } = await account.api<{ daily_stats: { completed: number; failed: number }[] }>(
    "GET",
    "/dashboard/daily",
  );
  expect(body.daily_stats).toHaveLength(7);
  expect(body.daily_stats.at(-1)).toMatchObject({ completed: 1, failed: 1 });
  expect((await account.api("GET", "/dashboard/jobs?status=completed")).body).toMatchObject({ total: 1, limit: 50 });
  expect((await account.api("GET", "/dashboard/billing")).body).toEqual({
    billing_enabled: false,
    message: "Billing is not enabled on this server",
  });
});

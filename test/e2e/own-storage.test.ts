/** Storage of the client's own on the whole stack: the local R2 is the bucket, another S3 client reads it (jobs API 9.2, 11.2). */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import type { OtherS3UnderTest } from "../storage/s3/other-server.ts";
import { startR2 } from "../storage/s3/r2.ts";
import type { Job } from "./harness/api.ts";
import { atEnd } from "./harness/at-end.ts";
import { noStrays } from "./harness/clean.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;
let account: OtherS3UnderTest;
let inline: OtherS3UnderTest;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  const r2 = await startR2(2);
  atEnd(() => r2.stop());
  account = r2.open();
  inline = r2.open();
  stack = await Stack.start();
});

const configOf = ({ config }: OtherS3UnderTest, changes: Record<string, unknown> = {}) => ({ ...config, ...changes });
const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function objects({ client, config }: OtherS3UnderTest): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: config.bucket }));
  return Contents.map((each) => each.Key ?? "").toSorted();
}

async function read({ client, config }: OtherS3UnderTest, key: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: config.bucket, Key: key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

/** The job's files are in the bucket, byte by byte what the node has hashed, and the job's URLs give the same. */
async function expectDelivered(bucket: OtherS3UnderTest, job: Job): Promise<void> {
  expect(job).toMatchObject({ status: "Completed", error: null });
  for (const file of job.files) {
    const bytes = await read(bucket, file.key);
    expect([bytes.length, hash(bytes)]).toEqual([file.size, file.sha256]);
    const fetched = await fetch(file.url);
    expect([fetched.status, hash(new Uint8Array(await fetched.arrayBuffer()))]).toEqual([200, file.sha256]);
  }
}

test("an account's storage takes media and thumbnail straight from the node", async () => {
  const { provider: _, ...body } = configOf(account, { folder_prefix: "downloads/2026" });
  const set = await stack.api.call("POST", "/user/s3", { body });
  expect([set.status, set.body]).toEqual([
    200,
    {
      message: "S3 storage configured successfully",
      provider: "s3",
      container_or_bucket: account.config.bucket,
      folder_prefix: "downloads/2026",
    },
  ]);
  expect(await objects(account)).toEqual([]);
  const id = await stack.api.create({
    url: `${origin.url}/pages/watch`,
    filename: "Söme talk",
    download_thumbnail: true,
  });
  const job = await stack.api.finished(id);
  await expectDelivered(account, job);
  expect(await objects(account)).toEqual([
    "downloads/2026/videos/Söme talk.jpg",
    "downloads/2026/videos/Söme talk.mp4",
  ]);
  const key = job.files.find((file) => file.kind === "media")?.key ?? "";
  const head = await account.client.send(new HeadObjectCommand({ Bucket: account.config.bucket, Key: key }));
  expect([head.ContentType, head.Metadata?.["trawl-job"]]).toEqual(["video/mp4", id]);
  // Nothing of it went to the managed store.
  expect(await readdir(join(stack.downloads, "videos")).catch(() => [])).toEqual([]);
  const moved = await stack.api.raw("GET", `/api/download/${id}/file`);
  expect([moved.redirected, moved.status, hash(new Uint8Array(await moved.arrayBuffer()))]).toEqual([
    true,
    200,
    job.files.find((file) => file.kind === "media")?.sha256,
  ]);
  const again = await stack.api.finished(
    await stack.api.create({ url: `${origin.url}/vertical.mp4`, filename: "Söme talk" }),
  );
  expect(again.files.map((file) => file.key)).toEqual(["downloads/2026/videos/Söme talk (2).mp4"]);
  const deleted = await stack.api.call("DELETE", `/jobs/${id}/file`);
  expect(deleted.status).toBe(200);
  expect(await objects(account)).toEqual(["downloads/2026/videos/Söme talk (2).mp4"]);
  expect((await stack.api.call("DELETE", "/user/s3")).status).toBe(200);
});

test("inline storage takes one job, and its secret reaches neither node, log nor disk", async () => {
  const secrets = [inline.config.secret_key];
  const url = `${origin.url}/hold/secrets/video-1080.mp4`;
  const id = await stack.api.create({ url, storage: configOf(inline), filename: "Inline" });
  await stack.api.started(id);
  // In the middle of the download the node has its whole order, and the edge has everything sealed.
  await expectNowhere(secrets);
  origin.release("secrets");
  const job = await stack.api.finished(id);
  await expectDelivered(inline, job);
  expect(await objects(inline)).toEqual(["videos/Inline.mp4"]);
  expect((await stack.api.job(id)).s3_url).toBe(job.s3_url);
  await noStrays(stack);
  await expectNowhere(secrets);
  expect(stack.log.lines.join("\n")).toContain(id);
});

test("a bucket that is not there is refused before anything is created", async () => {
  const { total } = (await stack.api.call<{ total: number }>("GET", "/jobs")).body;
  const storage = configOf(inline, { bucket: "nowhere" });
  const refused = await stack.api.call("POST", "/jobs", { body: { url: `${origin.url}/vertical.mp4`, storage } });
  expect([refused.status, refused.body]).toEqual([
    400,
    {
      error: "Credential validation failed: NoSuchBucket",
      field: "storage",
      details: [{ field: "storage.bucket", message: expect.stringContaining("no such bucket") }],
    },
  ]);
  expect((await stack.api.call<{ total: number }>("GET", "/jobs")).body.total).toBe(total);
});

/** Every byte below the stack's folder (databases, their logs, the node's folder, downloads) and every line of its log. */
async function expectNowhere(secrets: readonly string[]): Promise<void> {
  const entries = await readdir(stack.root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.length).toBeGreaterThan(5);
  const log = Buffer.from(stack.log.lines.join("\n"));
  for (const secret of secrets) {
    const found: string[] = log.includes(secret) ? ["the log"] : [];
    for (const file of files) {
      // A file may go while we look: SQLite's own come and go.
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      if (bytes.includes(secret)) found.push(file);
    }
    expect(found).toEqual([]);
  }
}

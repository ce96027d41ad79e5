/** A file larger than any buffer and any 32-bit number of bytes, through the whole stack on as many cores as there are. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { startBucket } from "../bench/source.ts";
import { testDir } from "../leaks.ts";
import { startOrigin } from "../origin/server.ts";
import { hashStream } from "../storage/generated-file.ts";
import type { Job } from "./harness/api.ts";
import { atEnd } from "./harness/at-end.ts";
import { allDoneOnce } from "./harness/clean.ts";
import { Stack } from "./harness/stack.ts";

const BYTES = 2 * 1024 ** 3 + 1;
const MAX_NODE_MIB = 150;
const LOOK_MS = 50;

/** Most memory that the process ever held. */
function peakMib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** An attempt's output, where it was made and where the disk store keeps it. */
const OUTPUT = /\/(?:output\.mp4|[0-9a-f]{32}\.part)$/;

/** How often the process has its output open: each part that it sends reads through a handle of its own. */
function handlesOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      return ""; // closed since
    }
  });
  return targets.filter((target) => OUTPUT.test(target)).length;
}

interface Watched {
  job: Job;
  sha256: string;
  /** Most handles that the node had on the output at once. */
  handles: number;
  peakMib: number;
}

/** Delivers the film, watching the node, and says what it should be. */
async function deliver(options: Record<string, unknown>, ended: (stack: Stack, id: string) => Promise<Job>) {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  // The intervals that nodes really have: with two cores at work, a lease of seconds would test the machine.
  const stack = await Stack.start({ slots: 1, env: { TRAWL_LEASE_TTL_MS: "60000" } });
  const url = `${origin.url}/padded/${BYTES}/video-360.mp4`;
  const [node = 0] = stack.pids("node");
  const id = await stack.api.create({ url, ...options });
  let handles = 0;
  let over = false;
  const watching = (async () => {
    for (; !over; await delay(LOOK_MS)) handles = Math.max(handles, handlesOf(node));
  })();
  const job = await ended(stack, id).finally(() => {
    over = true;
  });
  await watching;
  const source = await fetch(url);
  const sha256 = await hashStream(source.body as ReadableStream<Uint8Array>);
  const watched: Watched = { job, sha256, handles, peakMib: peakMib(node) };
  console.log(`large: the node held ${watched.peakMib.toFixed(0)} MiB at most`);
  return watched;
}

test("2 GiB arrive whole in the downloads folder, handed over and not sent, and the node stays small", async () => {
  const { job, sha256, handles, peakMib } = await deliver({}, async (stack, id) => {
    const [done] = await allDoneOnce(stack, [id]);
    return done ?? expect.unreachable("no job");
  });
  expect(job).toMatchObject({ attempts: 1, file_size: BYTES, files: [{ size: BYTES, sha256 }] });
  expect(peakMib).toBeLessThan(MAX_NODE_MIB);
  // The store alone counts the hash of what it was handed.
  expect(handles).toBe(0);
});

test("2 GiB arrive whole in a bucket, four parts at the same time, and the node stays small", async () => {
  const bucket = await startBucket(await testDir("bucket"));
  atEnd(() => bucket.stop());
  const keys = { bucket: "large-files", region: "us-east-1", access_key: "AK0123456789ABCD", secret_key: "secret" };
  const storage = { provider: "s3", endpoint: bucket.url, ...keys };
  const { job, sha256, handles, peakMib } = await deliver({ storage }, (stack, id) => stack.api.finished(id));
  expect(job).toMatchObject({ status: "Completed", attempts: 1, files: [{ size: BYTES, sha256 }] });
  const object = await fetch(`${bucket.url}/large-files/${job.files[0]?.key}`);
  expect(await hashStream(object.body as ReadableStream<Uint8Array>)).toBe(sha256);
  expect(peakMib).toBeLessThan(MAX_NODE_MIB);
  // Four parts, and the hash of the whole.
  expect(handles).toBe(5);
});

/** A file larger than any buffer and any 32-bit number of bytes, through the whole stack on as many cores as there are. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { startOrigin } from "../origin/server.ts";
import { hashStream } from "../storage/generated-file.ts";
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

/** How often the process has the file of this name open: each part that it sends reads through a handle of its own. */
function handlesOf(pid: number, name: string): number {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      return ""; // closed since
    }
  });
  return targets.filter((target) => target.endsWith(`/${name}`)).length;
}

test("2 GiB arrive whole, in parts at the same time, and the node stays small", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  // The intervals that nodes really have: with two cores at work, a lease of seconds would test the machine.
  const stack = await Stack.start({ slots: 1, env: { TRAWL_LEASE_TTL_MS: "60000" } });
  const url = `${origin.url}/padded/${BYTES}/video-360.mp4`;
  const [node = 0] = stack.pids("node");

  const id = await stack.api.create({ url });
  let most = 0;
  let over = false;
  const watching = (async () => {
    for (; !over; await delay(LOOK_MS)) most = Math.max(most, handlesOf(node, "output.mp4"));
  })();
  const [job] = await allDoneOnce(stack, [id]).finally(() => {
    over = true;
  });
  await watching;

  const source = await fetch(url);
  const sha256 = await hashStream(source.body as ReadableStream<Uint8Array>);
  expect(job).toMatchObject({ attempts: 1, file_size: BYTES, files: [{ size: BYTES, sha256 }] });
  const peak = peakMib(node);
  console.log(`large: the node held ${peak.toFixed(0)} MiB at most`);
  expect(peak).toBeLessThan(MAX_NODE_MIB);
  // Four parts, and the hash of the whole.
  expect(most).toBe(5);
});

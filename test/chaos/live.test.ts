/** A node that leaves while it records: a first signal lets it, a second ends the recording, and death loses it. */
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { probe } from "../e2e/harness/media.ts";
import { signal } from "../e2e/harness/processes.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

let origin: Origin;
beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
});

test("a leaving node gives its download back at the second signal and delivers its recording as it is", async () => {
  const stack = await Stack.start({ slots: 0 });
  const node = await startNode(stack, "leaving");
  const path = "/live/99/leaving/index.m3u8";
  const stream = await stack.api.create({ url: `${origin.url}${path}?start=20`, live_from_start: true });
  // The first three looks are yt-dlp's.
  await origin.waitForRequest(path, 5);
  const download = await stack.api.create({ url: `${origin.url}/hold/leaving/video-360.mp4` });
  await origin.waitForHeld("leaving", 2);
  const exit = node.stop("SIGTERM");
  await node.log.waitFor("node.draining");
  await origin.waitForRequest(path, 7);
  expect(await stack.api.job(stream)).toMatchObject({ status: "Processing" });
  signal(node.pid, "SIGTERM");
  expect(await exit).toBe(0);
  const recorded = await stack.api.finished(stream);
  expect(recorded).toMatchObject({ status: "Completed", attempts: 1, node_id: "leaving" });
  expect((await probe(join(stack.downloads, recorded.files[0]?.key ?? ""))).seconds).toBeGreaterThanOrEqual(20);
  expect(await stack.api.job(download)).toMatchObject({ status: "Pending", attempts: 1 });

  origin.release("leaving");
  await startNode(stack, "next");
  await allDoneOnce(stack, [stream, download]);
  expect((await attemptsOf(stack, download)).map((each) => each.outcome)).toEqual(["released", "completed"]);
});

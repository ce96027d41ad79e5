/** What takes a stream's own time: a node that dies while it records, and a stream that stalls for half a minute. */
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce, doneOnce } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { probe } from "../e2e/harness/media.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

let origin: Origin;
beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
});

test("a node that dies while it records loses that; another records what is left of the stream", async () => {
  const stack = await Stack.start({ slots: 0 });
  const node = await startNode(stack, "dying");
  const path = "/live/24/dying/index.m3u8";
  const id = await stack.api.create({ url: origin.url + path });
  await origin.waitForRequest(path, 8);
  await node.stop("SIGKILL");
  await startNode(stack, "next");
  // Not all is clean: nobody starts the dead node again, which would clear its folder.
  const job = await doneOnce(stack, id);
  expect(job).toMatchObject({ attempts: 2, node_id: "next", live_recording: true });
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["lost", "completed"]);
  const { seconds } = await probe(join(stack.downloads, job.files[0]?.key ?? ""));
  expect(seconds).toBeGreaterThan(3);
  expect(seconds).toBeLessThan(17);
});

test("a stall of half a minute, with the patience that nodes really have, ends nothing", async () => {
  const stack = await Stack.start({ slots: 1 });
  // Every look of these rests shows nothing new, and an unchanged playlist is looked at twice a second.
  const url = `${origin.url}/live/18/stalling/index.m3u8?rest=8-67`;
  const began = performance.now();
  const [job] = await allDoneOnce(stack, [await stack.api.create({ url })]);
  expect(performance.now() - began).toBeGreaterThan(30_000);
  expect(job).toMatchObject({ attempts: 1 });
  expect((await probe(join(stack.downloads, job?.files[0]?.key ?? ""))).seconds).toBeCloseTo(15, 0);
});

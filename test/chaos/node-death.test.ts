/** kill -9 of a worker node: what it held is done by another, or by itself when it is back. */
import { beforeEach, expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

let origin: Origin;

beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
});

/** In segments, which a tool downloads: a single file the node would fetch itself. */
const heldUrl = (key: string) => ({ url: `${origin.url}/hold/${key}/hls/360p/index.m3u8` });

test("a node that is killed while it downloads is started again and finishes what it held", async () => {
  const stack = await Stack.start({ slots: 2 });
  const ids = [await stack.api.create(heldUrl("a")), await stack.api.create(heldUrl("b"))];
  await Promise.all([origin.waitForHeld("a", 2), origin.waitForHeld("b", 2)]);
  const waiting = await stack.api.create({ url: `${origin.url}/vertical.mp4` });

  const { mark } = stack.log;
  const tools = stack.pids("tool");
  expect(tools.length).toBeGreaterThanOrEqual(2);
  await stack.kill(...stack.pids("node"));
  await stack.log.waitFor("node.ready", undefined, mark);
  // The tools died with their node, or were ended by its successor before it took work.
  expect(stack.pids("tool").filter((pid) => tools.includes(pid))).toEqual([]);
  origin.release("a");
  origin.release("b");
  const jobs = await allDoneOnce(stack, [...ids, waiting]);
  expect(jobs.map((job) => job.attempts)).toEqual([2, 2, 1]);
  for (const id of ids)
    expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["lost", "completed"]);
});

test("a node that is killed and does not come back is replaced by another once its lease has ended", async () => {
  const stack = await Stack.start({ slots: 0 });
  const first = await startNode(stack, "first");
  const id = await stack.api.create(heldUrl("gone"));
  await origin.waitForHeld("gone", 2);
  await startNode(stack, "second");
  await stack.kill(first.pid);
  origin.release("gone");
  expect(await stack.api.finished(id)).toMatchObject({ status: "Completed", attempts: 2, node_id: "second" });
  // What the dead one left on its disk goes when it is started again.
  await startNode(stack, "first");
  await allDoneOnce(stack, [id]);
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["lost", "completed"]);
});

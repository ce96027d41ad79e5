/** Stopping is not cancelling: SIGTERM lets a node finish, a second one makes it give back what it holds. */
import { beforeEach, expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { signal } from "../e2e/harness/processes.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

let origin: Origin;

beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
});

async function heldOn(stack: Stack, key: string): Promise<string> {
  const id = await stack.api.create({ url: `${origin.url}/hold/${key}/video-360.mp4` });
  await origin.waitForHeld(key, 2);
  return id;
}

test("a node that is told to stop finishes what it runs, takes no more, and exits well", async () => {
  const stack = await Stack.start({ slots: 0 });
  const node = await startNode(stack, "leaving", { slots: 2 });
  const running = await heldOn(stack, "last");
  const exit = node.stop("SIGTERM");
  await node.log.waitFor("node.draining");
  // It has a free slot and would take this at once.
  const later = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  origin.release("last");
  expect(await exit).toBe(0);
  expect(await stack.api.job(running)).toMatchObject({ status: "Completed", attempts: 1 });
  expect(await stack.api.job(later)).toMatchObject({ status: "Pending", attempts: 0 });

  await startNode(stack, "next");
  const jobs = await allDoneOnce(stack, [running, later]);
  expect(jobs.map((job) => job.node_id)).toEqual(["leaving", "next"]);
});

test("a second signal gives the job back at once, without counting a try", async () => {
  const stack = await Stack.start({ slots: 0 });
  const node = await startNode(stack, "hurried");
  const id = await heldOn(stack, "handed-over");
  const exit = node.stop("SIGTERM");
  await node.log.waitFor("node.draining");
  signal(node.pid, "SIGTERM");
  expect(await exit).toBe(0);
  expect(await stack.api.job(id)).toMatchObject({ status: "Pending", step: "Queued", progress: 0, attempts: 1 });

  origin.release("handed-over");
  await startNode(stack, "next");
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ attempts: 2, node_id: "next" });
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["released", "completed"]);
});

test("a whole stack that is told to stop leaves nothing running, and goes on where it was", async () => {
  const stack = await Stack.start({ slots: 1 });
  const running = await stack.api.create({ url: `${origin.url}/hold/stop/vertical.mp4` });
  await origin.waitForHeld("stop", 2);
  const waiting = await stack.api.create({ url: `${origin.url}/audio.m4a`, audio_only: true });
  const { mark } = stack.log;
  const exit = stack.stop();
  await stack.log.waitFor("node.draining", undefined, mark);
  origin.release("stop");
  expect(await exit).toBe(0);
  expect(stack.pids("host", "workerd", "node", "tool")).toEqual([]);
  await stack.up();
  const jobs = await allDoneOnce(stack, [running, waiting]);
  expect(jobs.map((job) => job.attempts)).toEqual([1, 1]);
});

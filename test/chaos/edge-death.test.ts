/** kill -9 of workerd, of the host, of everything: what was acknowledged is done, once. */
import { beforeEach, expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { gone, processesOf, signal } from "../e2e/harness/processes.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

let origin: Origin;
let stack: Stack;
let ids: string[];

// One job that runs, one that waits for its slot, one that has just been acknowledged.
beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 1 });
  ids = [await stack.api.create({ url: `${origin.url}/hold/running/video-360.mp4` })];
  await origin.waitForHeld("running", 2);
  ids.push(await stack.api.create({ url: `${origin.url}/vertical.mp4` }));
  ids.push(await stack.api.create({ url: `${origin.url}/audio.m4a`, audio_only: true }));
});

/** What died is gone with all that it owned, and nobody else serves this folder. */
async function allGone(): Promise<void> {
  await gone(processesOf(stack.root).map((each) => each.pid));
  expect(processesOf(stack.root)).toEqual([]);
}

test("a workerd that is killed comes back, and the node goes on with the attempt that it holds", async () => {
  const before = await stack.workerdPid();
  expect(stack.pids("workerd")).toEqual([before]);
  const { mark } = stack.log;
  await stack.kill(before);
  await stack.log.waitFor("workerd.restarted", undefined, mark);
  origin.release("running");
  const jobs = await allDoneOnce(stack, ids);
  expect(jobs.map((job) => job.attempts)).toEqual([1, 1, 1]);
  expect(stack.pids("workerd")).toEqual([await stack.workerdPid()]);
});

test("a host that is killed takes workerd, node and tools with it, and the next one carries on", async () => {
  await stack.kill(stack.hostPid);
  await allGone();
  origin.release("running");
  await stack.up();
  const jobs = await allDoneOnce(stack, ids);
  expect(jobs.map((job) => job.attempts)).toEqual([2, 1, 1]);
  const [running = ""] = ids;
  expect((await attemptsOf(stack, running)).map((each) => each.outcome)).toEqual(["lost", "completed"]);
});

test("everything killed at once comes back whole, twice in a row", async () => {
  for (const _ of ["first", "second"]) {
    await stack.kill(...processesOf(stack.root).map((each) => each.pid));
    await allGone();
    await stack.up();
  }
  origin.release("running");
  const jobs = await allDoneOnce(stack, ids);
  expect(jobs.every((job) => job.attempts <= 3)).toBe(true);
});

test("a store that does not answer holds up no lease and no back-off, and is asked again", async () => {
  // The disk store lives in the host: frozen, it takes the call and says nothing.
  signal(stack.hostPid, "SIGSTOP");
  atEnd(() => signal(stack.hostPid, "SIGCONT"));
  for (const id of ids) expect((await stack.api.call("DELETE", `/jobs/${id}?force=true`)).status).toBe(200);
  const delayed = await stack.api.create({ url: `${origin.url}/flaky/503/1/once/vertical.mp4` });
  // Its second attempt: the partition's alarm has put it back into the queue.
  await origin.waitForRequest("/flaky/503/1/once/", 2);
  signal(stack.hostPid, "SIGCONT");
  const [again] = await allDoneOnce(stack, [delayed]);
  expect(again).toMatchObject({ attempts: 2 });
});

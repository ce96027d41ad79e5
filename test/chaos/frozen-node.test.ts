/** A node that was away for longer than its lease, and comes back believing that it still holds the job. */
import { beforeEach, expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { startGate } from "../e2e/harness/gate.ts";
import { signal } from "../e2e/harness/processes.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

let origin: Origin;
let stack: Stack;

beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 0 });
});

test("a node that is frozen past its lease changes nothing when it goes on", async () => {
  const frozen = await startNode(stack, "frozen");
  const id = await stack.api.create({ url: `${origin.url}/hold/ice/video-360.mp4` });
  await origin.waitForHeld("ice", 2);
  await startNode(stack, "other");
  signal(frozen.pid, "SIGSTOP");
  // When it wakes, what it was sent meanwhile is at hand, and it goes on as if nothing had been.
  origin.release("ice");
  const done = await stack.api.finished(id);
  expect(done).toMatchObject({ status: "Completed", node_id: "other", attempts: 2 });

  const { mark } = frozen.log;
  signal(frozen.pid, "SIGCONT");
  await frozen.log.waitFor("attempt.lost", (event) => event.job === id, mark);
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toEqual({ ...done, s3_url: job?.s3_url, files: job?.files });
  expect(job?.files.map((file) => file.id)).toEqual(done.files.map((file) => file.id));
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["lost", "completed"]);

  // It is a good node again.
  await allDoneOnceMore("frozen", [id]);
});

/** One more job for each node: the thawed one takes its share. */
async function allDoneOnceMore(name: string, before: readonly string[]): Promise<void> {
  const ids = await Promise.all(
    ["x", "y"].map((key) => stack.api.create({ url: `${origin.url}/hold/${key}/vertical.mp4` })),
  );
  await Promise.all([origin.waitForHeld("x", 2), origin.waitForHeld("y", 2)]);
  origin.release("x");
  origin.release("y");
  const jobs = await allDoneOnce(stack, [...before, ...ids]);
  expect(jobs.slice(before.length).map((job) => job.node_id)).toContain(name);
}

test("a completion that arrives after another node has finished is refused", async () => {
  const gate = await startGate(stack.url);
  await startNode(stack, "late", { edge: gate.url });
  const completion = gate.hold("/complete", "before");
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  await completion.reached;
  const heartbeats = gate.hold("/heartbeat", "before");
  await startNode(stack, "other");
  const done = await stack.api.finished(id);
  expect(done).toMatchObject({ status: "Completed", node_id: "other", attempts: 2 });

  completion.release();
  await gate.answered(`/jobs/${id}/complete`, [409]);
  heartbeats.release();
  const [job] = await allDoneOnce(stack, [id]);
  expect(job?.files.map((file) => file.id)).toEqual(done.files.map((file) => file.id));
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["lost", "completed"]);
});

test("a completion whose answer is lost is repeated by the node and hears the same outcome", async () => {
  const gate = await startGate(stack.url);
  const node = await startNode(stack, "alone", { edge: gate.url });
  const completion = gate.hold("/complete", "after");
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  expect(await completion.reached).toBe(200);
  await stack.api.finished(id);
  completion.drop();
  await node.log.waitFor("attempt.ended", (event) => event.job === id);
  await gate.answered(`/jobs/${id}/complete`, [200, 200]);
  const [job] = await allDoneOnce(stack, [id]);
  expect(job).toMatchObject({ attempts: 1 });
  expect((await attemptsOf(stack, id)).map((each) => each.outcome)).toEqual(["completed"]);
});

test("a node that is killed after its completion was taken loses nothing", async () => {
  const gate = await startGate(stack.url);
  const node = await startNode(stack, "brief", { edge: gate.url });
  const completion = gate.hold("/complete", "after");
  const id = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  await completion.reached;
  await stack.kill(node.pid);
  const job = await stack.api.finished(id);
  expect(job).toMatchObject({ status: "Completed", attempts: 1 });
  // What it left on its disk goes when it is started again.
  await startNode(stack, "brief");
  await allDoneOnce(stack, [id]);
});

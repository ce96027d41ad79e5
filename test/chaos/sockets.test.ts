/** The socket carries only what may be lost: without any, a fleet does the same, a poll later. */
import { expect, test } from "vitest";
import { atEnd } from "../e2e/harness/at-end.ts";
import { allDoneOnce } from "../e2e/harness/clean.ts";
import { startNode } from "../e2e/harness/extra-node.ts";
import { startGate } from "../e2e/harness/gate.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { startOrigin } from "../origin/server.ts";

test("with its sockets cut off altogether a fleet finds, does and ends all jobs, and hears of a cancel", async () => {
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ slots: 0 });
  const gate = await startGate(stack.url, { sockets: false });
  await startNode(stack, "deaf", { edge: gate.url, slots: 2 });
  await startNode(stack, "deaf-too", { edge: gate.url });
  const url = `${origin.url}/vertical.mp4`;
  const ids = await Promise.all(Array.from({ length: 5 }, () => stack.api.create({ url })));
  const jobs = await allDoneOnce(stack, ids);
  expect(jobs.map((job) => job.attempts)).toEqual([1, 1, 1, 1, 1]);

  // The heartbeat's answer names what is to be killed.
  const cancelled = await stack.api.create({ url: `${origin.url}/hold/never/video-360.mp4` });
  await origin.waitForHeld("never", 2);
  expect((await stack.api.call("DELETE", `/jobs/${cancelled}?force=true`)).status).toBe(200);
  await allDoneOnce(stack, [...ids, await stack.api.create({ url })]);
  expect(await stack.api.job(cancelled)).toMatchObject({ status: "Failed", step: "Cancelled", attempts: 1 });
});

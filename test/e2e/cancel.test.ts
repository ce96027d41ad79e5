/** `DELETE /jobs/{id}` (jobs API 3.7): after a 200 a job never runs, or runs no more. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import type { Job } from "./harness/api.ts";
import { atEnd } from "./harness/at-end.ts";
import { downloadsAreClean, endsOnce, noStrays } from "./harness/clean.ts";
import { eventually } from "./harness/eventually.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;

// A stack of its own for each test: what is left in the folders is part of what is asked.
beforeEach(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 1 });
});

afterEach(() => noStrays(stack));

const CANCELLED = {
  status: "Failed",
  step: "Cancelled",
  error: "Job cancelled by user",
  error_type: "error",
  s3_url: null,
  files: [],
};
const REFUSED = { error: "Job cannot be cancelled (not in queue or already processing)" };

const cancel = (id: string, force = false) => stack.api.call("DELETE", `/jobs/${id}${force ? "?force=true" : ""}`);

/** In segments, which a tool downloads: a single file the node would fetch itself. */
async function held(key: string): Promise<string> {
  const id = await stack.api.create({ url: `${origin.url}/hold/${key}/hls/720p/index.m3u8` });
  await origin.waitForHeld(key, 2);
  return id;
}

async function wasCancelled(id: string): Promise<Job> {
  const job = await stack.api.job(id);
  expect(job).toMatchObject(CANCELLED);
  expect(job.finished_at).not.toBeNull();
  const history = await stack.api.history(id);
  endsOnce(history, job);
  expect(history.at(-1)?.type).toBe("job.cancelled");
  return job;
}

test("a waiting job is cancelled at once and its source is never asked", async () => {
  const running = await held("slot");
  const waiting = await stack.api.create({ url: `${origin.url}/slow/999999999/vertical.mp4` });
  expect(await stack.api.job(waiting)).toMatchObject({ status: "Pending", step: "Queued" });
  const answer = await cancel(waiting);
  expect([answer.status, answer.body]).toEqual([200, { message: "Job cancelled successfully", job_id: waiting }]);
  await wasCancelled(waiting);
  const again = await cancel(waiting, true);
  expect([again.status, again.body]).toEqual([400, REFUSED]);

  origin.release("slot");
  const after = await stack.api.create({ url: `${origin.url}/vertical.mp4` });
  const jobs = [await stack.api.finished(running), await stack.api.finished(after)];
  expect(jobs.map((job) => job.status)).toEqual(["Completed", "Completed"]);
  expect(origin.requests.some((request) => request.path.startsWith("/slow/999999999/"))).toBe(false);
  await downloadsAreClean(stack, jobs);
});

test("a running job is cancelled by force only; its tools and its bytes go with it", async () => {
  const id = await held("run");
  await eventually(() => stack.pids("tool").length > 0);
  const tools = stack.pids("tool");
  const plain = await cancel(id);
  expect([plain.status, plain.body]).toEqual([400, REFUSED]);
  expect(await stack.api.job(id)).toMatchObject({ status: "Processing", step: "Downloading" });

  const forced = await cancel(id, true);
  expect([forced.status, forced.body]).toEqual([200, { message: "Job cancelled successfully", job_id: id }]);
  await wasCancelled(id);
  await eventually(() => stack.pids("tool").every((pid) => !tools.includes(pid)));
  await origin.idle();
  await noStrays(stack);
  await downloadsAreClean(stack, []);

  // The slot is free again.
  const next = await stack.api.finished(await stack.api.create({ url: `${origin.url}/vertical.mp4` }));
  expect(next).toMatchObject({ status: "Completed", attempts: 1 });
  expect(await stack.api.job(id)).toMatchObject(CANCELLED);
  await downloadsAreClean(stack, [next]);
});

test("many cancels at once, of jobs that wait and jobs that just begin, leave nothing half done", async () => {
  const bodies = Array.from({ length: 12 }, () => ({ url: `${origin.url}/vertical.mp4` }));
  const ids = await Promise.all(bodies.map((body) => stack.api.create(body)));
  const answers = await Promise.all(ids.map((id) => cancel(id, true)));
  for (const [index, id] of ids.entries()) {
    const job = await stack.api.finished(id);
    expect(job.status).toBe(answers[index]?.status === 200 ? "Failed" : "Completed");
    endsOnce(await stack.api.history(id), job);
  }
  expect(answers.filter((answer) => answer.status === 200).length).toBeGreaterThanOrEqual(10);
  await noStrays(stack);
  await downloadsAreClean(stack, await Promise.all(ids.map((id) => stack.api.job(id))));
});

/** What becomes of jobs whose source fails (jobs API 12). */
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { doneOnce, downloadsAreClean, endsOnce, noStrays } from "./harness/clean.ts";
import { attemptsOf } from "./harness/record.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  // Back-offs follow the lease, and five tries have four of them.
  stack = await Stack.start({ env: { TRAWL_LEASE_TTL_MS: "2000" } });
});

async function ended(path: string, options: Record<string, unknown> = {}) {
  const id = await stack.api.create({ url: `${origin.url}/${path}`, ...options });
  const job = await stack.api.finished(id);
  endsOnce(await stack.api.history(id), job);
  return job;
}

const asked = (prefix: string) => origin.requests.filter((request) => request.path.startsWith(prefix)).length;

const FAILED = { status: "Failed", error: "Network error while downloading", error_type: "error", files: [] };

const AT_ONCE = [
  { path: "status/404/x.mp4", error: "Video has been removed" },
  { path: "private/403", error: "Video is private" },
  { path: "private/410", error: "Video has been removed" },
  { path: "status/400/x.mp4", error: "Unsupported URL" },
  { path: "redirect-loop", error: "The URL redirects in a circle" },
  { path: "pages/plain", error: "Unsupported URL" },
  { path: "pages/gallery", error: 'URL is a playlist; set playlist to "always" to download its items' },
];

test.each(AT_ONCE)("$path ends with a warning after one look", async ({ path, error }) => {
  // A list where one item is wanted; what becomes of one otherwise has its own tests.
  const job = await ended(path, { playlist: "never" });
  expect(job).toMatchObject({
    status: "Warning",
    step: "Finished",
    error,
    error_type: "warning",
    attempts: 1,
    files: [],
  });
});

test("content under DRM is skipped", async () => {
  const job = await ended("drm/master.m3u8");
  expect(job).toMatchObject({ status: "Skipped", error: "Content is protected by DRM", error_type: "warning" });
});

test("a source that goes on failing, or never sends the whole, is tried five times and then has failed", async () => {
  const jobs = await Promise.all([ended("status/503/x.mp4"), ended("truncated/vertical.mp4")]);
  for (const job of jobs) {
    expect(job).toMatchObject(FAILED);
    const outcomes = (await attemptsOf(stack, job.id)).map((attempt) => attempt.outcome);
    expect(outcomes).toEqual(Array.from({ length: 5 }, () => "network"));
  }
  expect(asked("/status/503/")).toBe(5);
});

test("a source that recovers is delivered by a later attempt", async () => {
  const id = await stack.api.create({ url: `${origin.url}/flaky/503/2/recovers/vertical.mp4` });
  expect(await doneOnce(stack, id)).toMatchObject({ attempts: 3, error: null, error_type: null });
});

test("a transfer that is cut half way is repeated inside the attempt", async () => {
  const id = await stack.api.create({ url: `${origin.url}/flaky/reset/2-2/cut/vertical.mp4` });
  expect(await doneOnce(stack, id)).toMatchObject({ attempts: 1 });
});

test("nothing of a failed job is left", async () => {
  const { body } = await stack.api.call<{ jobs: { id: string }[] }>("GET", "/jobs?limit=100&status=completed");
  await noStrays(stack);
  await downloadsAreClean(stack, await Promise.all(body.jobs.map(({ id }) => stack.api.job(id))));
});

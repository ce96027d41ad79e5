import { expect, test } from "vitest";
import { FAILED } from "./fake-edge.ts";
import { clientOf, fakeEdge, trawl } from "./support.ts";

test("add submits each URL with its options and prints the ids", async () => {
  const edge = await fakeEdge();
  const flags = [
    "--format",
    "mkv",
    "--max-resolution",
    "720",
    "--folder",
    "talks",
    "--clip-start",
    "10",
    "--clip-end",
    "20",
  ];
  const outcome = await trawl(["add", "https://a.example/1", "https://a.example/2", ...flags], clientOf(edge));
  expect(outcome).toEqual({ code: 0, stdout: "job-1\njob-2\n", stderr: "" });
  const posted = edge.requests.filter(({ method }) => method === "POST");
  const options = { format: "mkv", max_resolution: "720", folder: "talks", clip_start: "10", clip_end: "20" };
  expect(posted.map(({ body }) => body)).toEqual([
    { url: "https://a.example/1", ...options },
    { url: "https://a.example/2", ...options },
  ]);
  expect(new Set(posted.map(({ headers }) => headers["x-idempotency-key"])).size).toBe(2);
});

test("add --wait follows the event stream to the end", async () => {
  const edge = await fakeEdge();
  const outcome = await trawl(["add", "--wait", "https://a.example/1"], clientOf(edge));
  expect(outcome.code).toBe(0);
  expect(outcome.stderr.split("\n")).toEqual([
    expect.stringMatching(/^job-1 \[-{24}\] {3}0\.0% Queued/),
    expect.stringMatching(/^job-1 \[#{5}-{19}\] {2}21\.4% Downloading {2}15\.0 MB\/s {2}eta 9 s$/),
    "job-1 Completed",
    "",
  ]);
  expect(outcome.stdout).toBe("job-1  Completed  videos/A talk.mp4  6 B\n");
  expect(edge.requests.filter(({ path }) => path.endsWith("/events"))).toHaveLength(1);
});

test("add --wait exits 1 if any job failed, and says why", async () => {
  const edge = await fakeEdge({
    script: (url) =>
      url.endsWith("bad-luck")
        ? FAILED
        : FAILED.slice(0, 0).concat({ status: "Completed", step: "Finished", progress: 100 }),
  });
  const outcome = await trawl(["add", "--wait", "https://a.example/1", "https://a.example/bad-luck"], clientOf(edge));
  expect(outcome.code).toBe(1);
  expect(outcome.stdout.split("\n")).toEqual([
    expect.stringContaining("job-1  Completed"),
    "job-2  Failed  Network error while downloading",
    "",
  ]);
});

test.each(["none", "broken"] as const)("add --wait polls where streams are %s", async (streams) => {
  const edge = await fakeEdge({ streams });
  const outcome = await trawl(["add", "--wait", "--json", "https://a.example/1"], clientOf(edge));
  expect(outcome.code).toBe(0);
  expect(JSON.parse(outcome.stdout)).toMatchObject({ id: "job-1", status: "Completed", description: null });
  expect(outcome.stderr).toBe("");
});

test("a refused URL is told in the edge's words", async () => {
  const edge = await fakeEdge();
  const outcome = await trawl(["add", "https://a.example/bad"], clientOf(edge));
  expect(outcome).toEqual({ code: 1, stdout: "", stderr: "trawl: url must not point to a private address\n" });
});

test("get, ls, watch and cancel show a job, free of a title's control characters", async () => {
  const edge = await fakeEdge();
  const env = clientOf(edge);
  await trawl(["add", "https://a.example/1"], env);
  const listed = await trawl(["ls", "--status", "pending", "--limit", "5"], env);
  expect(listed.stdout).toMatch(
    /^ID +STATUS +DONE +SIZE +CREATED +TITLE\njob-1 +Pending +- +2026-12-01T10:00:00 +A {2}\[31mtalk\n$/,
  );
  expect(edge.requests.at(-1)?.path).toBe("/jobs?limit=5&status=pending");
  const watched = await trawl(["watch", "job-1"], env);
  expect(watched).toMatchObject({ code: 0, stdout: expect.stringContaining("job-1  Completed") });
  const got = await trawl(["get", "job-1"], env);
  expect(got.stdout).toMatch(/^created_at +2026-12-01T10:00:00\.000Z$/m);
  expect(got.stdout).toMatch(/^media +videos\/A talk\.mp4 \(6 B\)$/m);
  expect(got.stdout).not.toContain("\u001b");
  const cancelled = await trawl(["cancel", "job-1"], env);
  expect(cancelled).toEqual({ code: 0, stdout: "Job cancelled successfully\n", stderr: "" });
  const unknown = await trawl(["get", "job-9"], env);
  expect(unknown).toEqual({ code: 1, stdout: "", stderr: "trawl: Job not found: see the ids with: trawl ls\n" });
});

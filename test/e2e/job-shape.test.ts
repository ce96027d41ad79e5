/** `GET /jobs/{id}` has one fixed shape (jobs API 3.5), whatever has become of the job. */
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import type { Job } from "./harness/api.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start({ slots: 1 });
});

/** The documentation's example, to the letter. */
const EXAMPLE: Record<string, unknown> = JSON.parse(`
{ "id": "01a2310c-0100-726b-b2a7-4de452e6b438", "url": "https://www.youtube.com/watch?v=v1", "status": "Completed", "step": "Finished",
  "s3_url": "https://files.example.com/f/4kQz/videos/talks/A%20talk.mp4?expires=1796205609&signature=9f2c", "subtitle_url": null, "thumbnail_url": null,
  "error": null, "error_type": null, "title": "A talk", "description": "Recorded on stage", "release_date": "2026-10-25T00:00:00Z",
  "folder": "talks", "batch_id": null, "file_size": 62914560, "created_at": 1796119200000, "finished_at": 1796119209000,
  "download_speed_mbps": 15.0, "upload_speed_mbps": 30.0, "queue_wait_ms": 300, "total_duration_ms": 8700, "precheck_duration_ms": null, "extract_duration_ms": 1150,
  "download_duration_ms": 4200, "subtitle_duration_ms": null, "mux_duration_ms": 900, "file_move_ms": 12, "upload_duration_ms": 2100, "io_wait_ms": 40, "cpu_wait_ms": 15, "upload_wait_ms": 0,
  "download_strategy": "native", "cascade_total_attempts": 1, "download_retries": 0, "upload_retries": 0,
  "native_video_codec": "avc1", "native_audio_codec": "mp4a", "requested_quality": "best", "actual_quality": "1080p",
  "webhook_status": "no_webhook", "webhook_attempts": null, "webhook_last_error": null, "webhook_response_time_ms": null,
  "format": "mp4", "video_codec": "copy", "audio_codec": "copy", "audio_bitrate": null, "video_quality": null, "quality_preset": null, "max_resolution": "best",
  "filename": null, "audio_only": false, "download_subtitles": false, "download_thumbnail": false, "clip_start": null, "clip_end": null, "live_recording": false,
  "live_from_start": false, "max_duration": null, "wait_for_video": false, "enable_progress_webhook": false, "marketplace_source": null,
  "progress": 100, "eta_seconds": null, "speed_bytes_per_second": null, "attempts": 1, "node_id": "fra-07", "actual_clip_start": null, "actual_clip_end": null,
  "priority": 0, "tags": [], "metadata": null,
  "files": [ { "id": "01a2310c-22f0-7c11-8f6e-0b6f2f0c9d11", "kind": "media", "key": "videos/talks/A talk.mp4", "size": 62914560, "content_type": "video/mp4", "language": null, "sha256": "9f2c…",
               "url": "https://files.example.com/f/4kQz/videos/talks/A%20talk.mp4?expires=1796205609&signature=9f2c" } ] }
`);

/** What is said before anything has happened; the values of the example stand for those that the request decides. */
const NOT_YET: Record<string, unknown> = {
  status: "Pending",
  step: "Queued",
  s3_url: null,
  title: null,
  description: null,
  release_date: null,
  file_size: null,
  finished_at: null,
  progress: 0,
  attempts: 0,
  node_id: null,
  actual_quality: null,
  native_video_codec: null,
  native_audio_codec: null,
  download_strategy: null,
  cascade_total_attempts: null,
  download_retries: null,
  upload_retries: null,
  download_speed_mbps: null,
  upload_speed_mbps: null,
  files: [],
};

const TELEMETRY = Object.keys(EXAMPLE).filter((key) => /_ms$/.test(key) && key !== "queue_wait_ms");

/** The same keys, and of each the type of the example or null. */
function hasTheShape(job: Job): void {
  expect(Object.keys(job).sort()).toEqual(Object.keys(EXAMPLE).sort());
  for (const [key, value] of Object.entries(job)) {
    const example = EXAMPLE[key];
    if (value === null || example === null) continue;
    expect({ key, type: typeof value, array: Array.isArray(value) }).toEqual({
      key,
      type: typeof example,
      array: Array.isArray(example),
    });
  }
}

function wholeNumbers(job: Job): void {
  const numbers = Object.entries(job).filter(([key]) => /_ms$|_at$|_size$|_retries$|^attempts$|_seconds$/.test(key));
  for (const [key, value] of numbers)
    expect({ key, ok: value === null || Number.isInteger(value) }).toEqual({ key, ok: true });
}

test("the shape is the same before, while and after a job runs", async () => {
  const holder = await stack.api.create({ url: `${origin.url}/hold/first/video-360.mp4` });
  await origin.waitForHeld("first", 2);
  const url = `${origin.url}/hold/second/video-1080.mp4`;
  const request = { url, folder: "talks", metadata: { ours: [1, "two"] }, priority: 3, tags: [] };
  const asked = Date.now();
  const id = await stack.api.create(request);

  const before = await stack.api.job(id);
  hasTheShape(before);
  expect(before).toMatchObject({
    ...NOT_YET,
    ...Object.fromEntries(TELEMETRY.map((key) => [key, null])),
    id,
    url,
    folder: "talks",
    metadata: { ours: [1, "two"] },
    priority: 3,
    queue_wait_ms: null,
    webhook_status: "no_webhook",
    requested_quality: "best",
  });
  expect(Number(before.created_at)).toBeGreaterThanOrEqual(asked);
  expect(Number(before.created_at)).toBeLessThanOrEqual(Date.now());

  origin.release("first");
  await stack.api.finished(holder);
  await origin.waitForHeld("second", 2);
  const during = await stack.api.job(id);
  hasTheShape(during);
  expect(during).toMatchObject({
    ...NOT_YET,
    ...Object.fromEntries(TELEMETRY.map((key) => [key, null])),
    status: "Processing",
    step: "Downloading",
    title: "video-1080",
    release_date: expect.any(String),
    progress: expect.any(Number),
    attempts: 1,
    node_id: "local",
    queue_wait_ms: expect.any(Number),
  });
  expect(during.progress).toBeLessThan(33);

  origin.release("second");
  const after = await stack.api.finished(id);
  hasTheShape(after);
  wholeNumbers(after);
  const { file_size, finished_at, s3_url } = after;
  expect(after).toMatchObject({
    ...Object.fromEntries(Object.keys(EXAMPLE).flatMap((key) => (EXAMPLE[key] === null ? [[key, null]] : []))),
    status: "Completed",
    step: "Finished",
    title: "video-1080",
    progress: 100,
    attempts: 1,
    actual_quality: "1080p",
    native_video_codec: "avc1",
    native_audio_codec: "mp4a",
    cascade_total_attempts: 1,
    format: "mp4",
    metadata: { ours: [1, "two"] },
  });
  expect(Number(finished_at)).toBeGreaterThanOrEqual(Number(after.created_at));
  const [file] = after.files;
  expect(Object.keys(file ?? {})).toEqual(Object.keys((EXAMPLE.files as object[])[0] ?? {}));
  expect(file).toMatchObject({ kind: "media", key: "videos/talks/video-1080.mp4", size: file_size, language: null });
  expect(file?.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(new URL(file?.url ?? "").pathname).toBe(new URL(s3_url ?? "").pathname);
});

test("a failed job has the same shape, and lists have their own", async () => {
  const id = await stack.api.create({ url: `${origin.url}/status/404/gone.mp4` });
  const job = await stack.api.finished(id);
  hasTheShape(job);
  expect(job).toMatchObject({ status: "Warning", step: "Finished", s3_url: null, files: [], error_type: "warning" });
  const { body } = await stack.api.call<{ jobs: Record<string, unknown>[] }>("GET", "/jobs?limit=1");
  expect(Object.keys(body)).toEqual(["jobs", "total", "limit", "offset", "filtered_total", "next_cursor"]);
  const keys =
    "id url status s3_key error step created_at finished_at file_size title error_type folder batch_id progress metadata";
  expect(Object.keys(body.jobs[0] ?? {})).toEqual(keys.split(" "));
  expect(body.jobs[0]).toMatchObject({ id, status: "Warning", s3_key: null });
});

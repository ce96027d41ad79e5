/** Each kind of source, from its URL to a playable file in the downloads folder. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import type { Job } from "./harness/api.ts";
import { atEnd } from "./harness/at-end.ts";
import { doneOnce, noStrays } from "./harness/clean.ts";
import { type Probe, probe } from "./harness/media.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start();
});

async function deliver(path: string, options: Record<string, unknown> = {}): Promise<{ job: Job; probed: Probe }> {
  const id = await stack.api.create({ url: `${origin.url}/${path}`, ...options });
  const job = await doneOnce(stack, id);
  await noStrays(stack);
  return { job, probed: await probe(join(stack.downloads, job.files[0]?.key ?? "")) };
}

const MP4 = "mov,mp4,m4a,3gp,3g2,mj2";

interface Case {
  what: string;
  path: string;
  options?: Record<string, unknown>;
  key: string;
  type: string;
  container: string;
  seconds: number;
  video: Probe["video"];
  audio: string;
  job: Record<string, unknown>;
}

const CASES: readonly Case[] = [
  {
    what: "a progressive MP4 is delivered as it is",
    path: "video-360.mp4",
    key: "videos/video-360.mp4",
    type: "video/mp4",
    container: MP4,
    seconds: 8,
    video: { codec: "h264", width: 640, height: 360 },
    audio: "aac",
    job: { title: "video-360", format: "mp4", actual_quality: "360p", native_video_codec: "avc1", video_codec: "copy" },
  },
  {
    what: "a WebM stays VP9 and Opus when WebM is wanted",
    path: "video-360.webm",
    options: { format: "webm" },
    key: "videos/video-360.webm",
    type: "video/webm",
    container: "matroska,webm",
    seconds: 8,
    video: { codec: "vp9", width: 640, height: 360 },
    audio: "opus",
    job: { format: "webm", native_video_codec: "vp09", native_audio_codec: "opus" },
  },
  {
    what: "max_resolution picks the lower variant of an HLS stream",
    path: "hls/master.m3u8",
    options: { max_resolution: "360" },
    key: "videos/master.mp4",
    type: "video/mp4",
    container: MP4,
    seconds: 8,
    video: { codec: "h264", width: 640, height: 360 },
    audio: "aac",
    job: { requested_quality: "360", actual_quality: "360p", max_resolution: "360" },
  },
  {
    what: "the best variant of an HLS stream is taken without it",
    path: "hls/master.m3u8",
    options: { filename: "best of hls" },
    key: "videos/best of hls.mp4",
    type: "video/mp4",
    container: MP4,
    seconds: 8,
    video: { codec: "h264", width: 1280, height: 720 },
    audio: "aac",
    job: { requested_quality: "best", actual_quality: "720p" },
  },
  {
    what: "audio_only takes the sound of a video into an M4A without touching its AAC",
    path: "video-720.mp4",
    options: { audio_only: true },
    key: "videos/video-720.m4a",
    type: "audio/mp4",
    container: MP4,
    seconds: 8,
    video: null,
    audio: "aac",
    job: { format: "m4a", audio_only: true, audio_codec: "copy", actual_quality: "audio" },
  },
  {
    what: "the video of a page with JSON-LD is found, with its title and text",
    path: "pages/watch",
    key: "videos/A Clock & Its Beep.mp4",
    type: "video/mp4",
    container: MP4,
    seconds: 8,
    video: { codec: "h264", width: 1280, height: 720 },
    audio: "aac",
    job: {
      title: "A Clock & Its Beep",
      description: "Eight seconds of a test card with a running clock.",
      actual_quality: "720p",
    },
  },
  {
    what: "a vertical video is named by its shorter side",
    path: "vertical.mp4",
    options: { folder: "tall/ones", filename: "Upright" },
    key: "videos/tall/ones/Upright.mp4",
    type: "video/mp4",
    container: MP4,
    seconds: 6,
    video: { codec: "h264", width: 360, height: 640 },
    audio: "aac",
    job: { folder: "tall/ones", filename: "Upright", actual_quality: "360p" },
  },
];

describe("a URL becomes a file", () => {
  test.each(CASES)("$what", async ({ path, options, key, type, container, seconds, video, audio, job: expected }) => {
    const { job, probed } = await deliver(path, options);
    expect(job).toMatchObject({ ...expected, attempts: 1, error_type: null });
    expect(job.files).toMatchObject([{ kind: "media", key, content_type: type, size: job.file_size }]);
    expect(probed).toMatchObject({ container, video, audio });
    expect(Math.abs(probed.seconds - seconds)).toBeLessThan(0.2);
  });
});

test("a second file of the same name is kept beside the first, whatever the case of its letters", async () => {
  const keys: (string | undefined)[] = [];
  for (const filename of ["Twice", "Twice", "TWICE"]) {
    const { job } = await deliver("vertical.mp4", { filename, folder: "names" });
    keys.push(job.files[0]?.key);
  }
  expect(keys).toEqual(["videos/names/Twice.mp4", "videos/names/Twice (2).mp4", "videos/names/TWICE (3).mp4"]);
});

test("jobs that ask for one name at the same time get one each", async () => {
  const bodies = Array.from({ length: 4 }, () => ({ url: `${origin.url}/vertical.mp4`, filename: "at once" }));
  const ids = await Promise.all(bodies.map((body) => stack.api.create(body)));
  const jobs = await Promise.all(ids.map((id) => doneOnce(stack, id)));
  expect(new Set(jobs.map((job) => job.files[0]?.key))).toEqual(
    new Set(["", " (2)", " (3)", " (4)"].map((suffix) => `videos/at once${suffix}.mp4`)),
  );
});

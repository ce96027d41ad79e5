import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EffectiveMedia, ExtractedInfo } from "../../../shared/contract/media.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import { probe } from "../../../worker-node/media/ffmpeg/probe.ts";
import {
  extractMedia,
  type MediaDeps,
  type MediaRequest,
  mediaDeps,
  type StepProgress,
} from "../../../worker-node/media/run-attempt.ts";
import { recordGroups, removeAttempt } from "../../../worker-node/process/leftovers.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { mediaRequest, never, runMedia } from "./attempt.ts";
import { realTools } from "./tools.ts";

let origin: Origin;
let deps: MediaDeps;
let dir: string;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = mediaDeps(tools);
});
afterAll(() => origin.close());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trawl-attempt-"));
});
afterEach(async () => {
  await removeAttempt(dir);
});

function request(path: string, options: Partial<JobOptions> = {}, more: Partial<MediaRequest> = {}): MediaRequest {
  return mediaRequest(`${origin.url}/${path}`, dir, options, more);
}

/** Both calls, and what came of them in few words: `kind container video audio seconds quality`. */
async function run(
  path: string,
  options: Partial<JobOptions> = {},
  more: Partial<MediaRequest> = {},
  signal = never(),
) {
  const asked = request(path, options, more);
  const steps: string[] = [];
  const progress: StepProgress[] = [];
  const events = {
    onStep: (step: string) => void steps.push(step),
    onProgress: (now: StepProgress) => void progress.push(now),
  };
  const made = await runMedia(asked, deps, events, signal);
  ExtractedInfo.parse(made.info);
  EffectiveMedia.parse(made.effective);
  const media = made.files[0];
  if (media === undefined) throw new Error("no file");
  const probed = await probe(deps.ffprobe, media.path, { dir });
  const codec = (kind: string) => probed.streams.find((stream) => stream.kind === kind)?.codec ?? "-";
  const seconds = Math.round((probed.durationSeconds ?? 0) * 10) / 10;
  const family = probed.formatName.split(",")[0];
  return {
    ...made,
    steps: steps.join(" "),
    progress,
    media,
    summary: `${family} ${codec("video")} ${codec("audio")} ${seconds} ${made.telemetry.actual_quality}`,
  };
}

describe("an attempt", () => {
  it("moves a plain MP4, byte for byte", async () => {
    const made = await run("video-360.mp4");
    expect(made.summary).toBe("mov h264 aac 8 360p");
    expect(made.steps).toBe("download");
    expect(made.progress.at(-1)).toMatchObject({ fraction: 1, total_bytes: made.media.size });
    const whole = await (await fetch(`${origin.url}/video-360.mp4`)).bytes();
    expect(readFileSync(made.media.path).equals(whole)).toBe(true);
    expect(made.telemetry).toMatchObject({
      mux_duration_ms: null,
      download_strategy: "generic",
      native_video_codec: "avc1",
    });
    expect(made.effective).toMatchObject({
      video_codec: null,
      audio_codec: null,
      actual_clip_start: null,
      duration_seconds: 8,
    });
  });

  const rows: [string, Partial<JobOptions>, string, string][] = [
    ["hls/master.m3u8", {}, "mov h264 aac 8 720p", "null null"],
    ["hls/master.m3u8", { max_resolution: "480" }, "mov h264 aac 8 360p", "null null"],
    ["dash/manifest.mpd", { max_resolution: "360" }, "mov h264 aac 8 360p", "null null"],
    ["vertical.mp4", { format: "mkv" }, "matroska h264 aac 6 360p", "null null"],
    ["video-360.webm", {}, "mov vp9 opus 8 360p", "null null"],
    ["video-360.webm", { format: "mov" }, "mov h264 aac 8 360p", "h264 aac"],
    ["video-360.mp4", { format: "m4a", audio_only: true }, "mov - aac 8 audio", "null null"],
    ["audio.mp3", { format: "mp3", audio_only: true }, "mp3 - mp3 8 audio", "null null"],
    ["audio.mp3", { format: "opus", audio_only: true }, "ogg - opus 8 audio", "null opus"],
    ["feed.xml?items=1", { format: "mp3", audio_only: true }, "mp3 - mp3 6 audio", "null null"],
    ["pages/html5", { max_resolution: "360" }, "mov h264 aac 8 360p", "null null"],
  ];
  it.each(rows)("/%s with %j becomes %s", async (path, options, summary, effective) => {
    const made = await run(path, options);
    expect(made.summary).toBe(summary);
    expect(`${made.effective.video_codec} ${made.effective.audio_codec}`).toBe(effective);
  });

  it("cuts to the frame when it re-encodes", async () => {
    const made = await run("video-360.mp4", { clip_start_seconds: 3.3, clip_end_seconds: 6, video_codec: "h264" });
    expect(made.effective).toMatchObject({ actual_clip_start: 3.3, actual_clip_end: 6 });
    expect(made.effective.duration_seconds).toBeCloseTo(2.7, 1);
    expect(made.steps).toBe("download mux");
  });

  it("cuts H.264 to the frame when it copies too", async () => {
    const made = await run("video-360.mp4", { clip_start_seconds: 3.3, clip_end_seconds: 6 });
    expect(made.effective).toMatchObject({ video_codec: null, actual_clip_start: 3.3, actual_clip_end: 6 });
    expect(made.effective.duration_seconds).toBeCloseTo(2.7, 1);
  });

  it("cuts other codecs at the keyframe before when it copies, and says so", async () => {
    const made = await run("video-360.webm", { clip_start_seconds: 3.3, clip_end_seconds: 6 });
    const { actual_clip_start, duration_seconds } = made.effective;
    expect(actual_clip_start).toBeLessThan(3.3);
    expect((actual_clip_start ?? 0) + (duration_seconds ?? 0)).toBeCloseTo(6, 1);
  });

  it("brings a subtitle and a thumbnail along", async () => {
    const made = await run("pages/html5", {
      max_resolution: "360",
      download_subtitles: true,
      download_thumbnail: true,
    });
    expect(made.files.map((file) => [file.kind, file.language])).toEqual([
      ["media", null],
      ["subtitle", "en"],
      ["thumbnail", null],
    ]);
    const [, subtitle, thumbnail] = made.files.map((file) => readFileSync(file.path));
    expect(subtitle?.toString("utf8")).toMatch(/^WEBVTT/);
    expect(thumbnail?.subarray(0, 2).toString("hex")).toBe("ffd8");
  });

  it("waits for a transcode slot, and gives it back", async () => {
    const log: string[] = [];
    const slotted: MediaDeps = {
      ...deps,
      transcodeSlot: async () => {
        log.push("taken");
        return () => void log.push("given back");
      },
    };
    const asked = request("audio.mp3", { format: "opus", audio_only: true });
    await runMedia(asked, slotted, { onStep: (step) => void log.push(step), onProgress: () => {} });
    expect(log).toEqual(["download", "taken", "mux", "given back"]);
  });
});

describe("an attempt answers a list", () => {
  it("with its entries", async () => {
    const found = await extractMedia(request("feed.xml"), deps, never());
    expect(found).toMatchObject({ kind: "list", title: "The Beep Hour", truncated: false });
    expect(found.kind === "list" && found.entries).toHaveLength(3);
  });
  it("with a failure when no list is wanted", async () => {
    await expect(extractMedia(request("pages/gallery", { playlist: "never" }), deps, never())).rejects.toMatchObject({
      class: "list",
    });
  });
  it("with one entry when a list of one was wanted", async () => {
    const found = await extractMedia(request("feed.xml?items=1", { playlist: "always" }), deps, never());
    expect(found.kind === "list" && found.entries).toHaveLength(1);
  });
});

describe("an attempt fails", () => {
  const failures: [string, string, Partial<JobOptions>, Partial<MediaRequest>, string][] = [
    ["a clip behind the end, seen before the download", "hls/master.m3u8", { clip_start_seconds: 60 }, {}, "clip"],
    ["a clip behind the end, seen after it", "video-360.mp4", { clip_start_seconds: 60 }, {}, "clip"],
    ["too long", "hls/master.m3u8", {}, { maxDurationSeconds: 5 }, "too_large"],
    ["too large", "video-720.mp4", {}, { maxFilesizeBytes: 500_000 }, "too_large"],
    ["no such format", "hls/master.m3u8", { format_id: "none" }, {}, "unsupported"],
  ];
  it.each(failures)("on %s", async (_title, path, options, more, expected) => {
    await expect(run(path, options, more)).rejects.toMatchObject({ name: "MediaFailure", class: expected });
  });

  it("by the reason that the caller gave for an abort", async () => {
    const abort = new AbortController();
    const groups = recordGroups(dir, "job", "1.1");
    const running = run("hold/attempt/video-720.mp4", {}, { groups }, abort.signal);
    await origin.waitForHeld("attempt", 2);
    expect(JSON.parse(readFileSync(`${dir}.json`, "utf8")).groups).toHaveLength(1);
    abort.abort(new MediaFailure("timeout"));
    await expect(running).rejects.toMatchObject({ class: "timeout", message: "Processing timed out" });
    expect(JSON.parse(readFileSync(`${dir}.json`, "utf8")).groups).toEqual([]);
    expect(existsSync(join(dir, "output.mp4"))).toBe(false);
    origin.release("attempt");
  });
});

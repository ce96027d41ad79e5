/** Live recordings of the test site's streams with the real tools: what is delivered, and what was said on the way. */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JobOptions } from "../../../../shared/contract/options.ts";
import { MediaFailure } from "../../../../worker-node/media/failure.ts";
import {
  type MediaDeps,
  type MediaRequest,
  mediaDeps,
  type StepProgress,
} from "../../../../worker-node/media/run-attempt.ts";
import { removeAttempt } from "../../../../worker-node/process/leftovers.ts";
import { type Origin, startOrigin } from "../../../origin/server.ts";
import { mediaRequest, never, runMedia } from "../attempt.ts";
import { realTools } from "../tools.ts";
import { FAST, seer } from "./seer.ts";

let origin: Origin;
let deps: MediaDeps;
let dir: string;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = { ...mediaDeps(tools, undefined, { allowPrivate: true }), live: FAST };
});
afterAll(() => origin.close());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trawl-live-"));
});

afterEach(() => removeAttempt(dir));

type Note = { note: string } & Record<string, string | number>;

interface Recorded {
  /** `container video audio`. */
  shape: string;
  seconds: number;
  notes: Note[];
  progress: StepProgress[];
  steps: string[];
  strategy: string | null;
  isLive: boolean;
  path: string;
}

let key = 0;
function stream(segments: number, query = "", file = "index.m3u8"): string {
  return `live/${segments}/r${++key}/${file}${query === "" ? "" : `?${query}`}`;
}

async function record(
  path: string,
  options: Partial<JobOptions> = {},
  more: Partial<MediaRequest> = {},
  signal = never(),
  using: MediaDeps = { ...deps, ytdlp: seer() },
): Promise<Recorded> {
  const [notes, progress, steps]: [Note[], StepProgress[], string[]] = [[], [], []];
  const made = await runMedia(
    mediaRequest(`${origin.url}/${path}`, dir, options, more),
    using,
    {
      onStep: (step) => void steps.push(step),
      onProgress: (now) => void progress.push(now),
      onNote: (note, fields) => void notes.push({ note, ...fields }),
    },
    signal,
  );
  const file = made.files[0]?.path ?? "";
  return {
    ...{ notes, progress, steps, path: file },
    ...(await probe(file)),
    strategy: made.telemetry.download_strategy,
    isLive: made.info.is_live,
  };
}

/** The same, found by the real yt-dlp. */
const found = (path: string, options: Partial<JobOptions> = {}) => record(path, options, {}, undefined, deps);

const run = promisify(execFile);

async function probe(file: string): Promise<{ shape: string; seconds: number }> {
  const args = ["-v", "error", "-show_entries", "format=format_name,duration:stream=codec_name", "-of", "json", file];
  const { stdout, stderr } = await run(deps.ffprobe.command[0] ?? "", args);
  expect(stderr).toBe("");
  const told = JSON.parse(stdout) as {
    format: { format_name: string; duration: string };
    streams: { codec_name: string }[];
  };
  const shape = [told.format.format_name.split(",")[0], ...told.streams.map((each) => each.codec_name)].join(" ");
  return { shape, seconds: Math.round(Number(told.format.duration) * 10) / 10 };
}

/** Decodes all of it, and reads the clock of every packet. */
async function playsThrough(file: string): Promise<void> {
  const [ffmpeg = "", ffprobe = ""] = [deps.ffmpeg.command[0], deps.ffprobe.command[0]];
  const decoded = await run(ffmpeg, ["-v", "error", "-nostdin", "-i", file, "-f", "null", "-"]);
  expect(decoded.stderr).toBe("");
  const args = ["-v", "error", "-show_entries", "packet=stream_index,dts_time", "-of", "csv=p=0", file];
  const packets = (await run(ffprobe, args)).stdout.split("\n").filter((line) => line !== "");
  const begin: number[] = [];
  for (const stream of ["0", "1"]) {
    const times = packets.flatMap((line) => (line.startsWith(`${stream},`) ? [Number(line.split(",")[1])] : []));
    begin.push(times[0] ?? Number.NaN);
    expect(times.every((time, at) => at === 0 || time > (times[at - 1] ?? 0))).toBe(true);
    // No hole: the picture has 25 frames a second, the sound 47 packets.
    expect(Math.max(...times.slice(1).map((time, at) => time - (times[at] ?? 0)))).toBeLessThan(0.2);
  }
  const [picture = Number.NaN, sound = Number.NaN] = begin;
  expect(Math.abs(picture - sound)).toBeLessThan(0.05);
}

const named = (recorded: Recorded, note: string) => recorded.notes.filter((each) => each.note === note);

describe("a live stream is recorded", () => {
  it("from its edge to its end, as the file that was asked for", async () => {
    const made = await found(stream(12));
    expect(made).toMatchObject({ shape: "mov h264 aac", strategy: "live", isLive: true, steps: ["download", "mux"] });
    // yt-dlp has looked three times by then: five segments, of which the last three are near enough to the edge.
    expect(made.seconds).toBe(9);
    expect(named(made, "recording.ended")).toMatchObject([{ end: "ended", gaps: 0, runs: 1 }]);
    await playsThrough(made.path);
  });

  it.each([
    ["all of a playlist that keeps everything", 12, "start=9", 12],
    ["what a sliding window still has", 16, "window=5&start=8", 13],
  ])("from its beginning: %s", async (_, segments, query, seconds) => {
    expect((await record(stream(segments, query), { live_from_start: true })).seconds).toBe(seconds);
  });

  it("until max_duration, which is then what the progress counts to", async () => {
    const made = await record(stream(50), { max_duration: 7 });
    expect(made.seconds).toBe(7);
    expect(named(made, "recording.ended")).toMatchObject([{ end: "cap" }]);
    const shown = made.progress.filter((now) => now.bytes !== null);
    expect(shown.map((now) => now.fraction)).toEqual([0, ...[1, 2, 3, 4, 5, 6, 7].map((seconds) => seconds / 7)]);
    expect(shown.at(3)).toMatchObject({ eta_seconds: 4, total_bytes: null });
  });

  it("without an end in sight shows no progress, and stops at the account's limit all the same", async () => {
    const made = await record(stream(50), {}, { maxDurationSeconds: 6 });
    expect(made.seconds).toBe(6);
    const recording = made.progress.filter((now) => now.bytes !== null);
    expect(recording.every((now) => now.fraction === null && now.eta_seconds === null)).toBe(true);
  });

  it("until it has stood still for long, and counts as over", async () => {
    const made = await record(stream(99, "start=57"), { live_from_start: true });
    expect(made.seconds).toBe(60);
    expect(named(made, "recording.ended")).toMatchObject([{ end: "silent" }]);
  });

  it.each([
    ["a rest, an outage, and a segment that is reset twice", "rest=4-14&down=16-20:503&fault=9:flaky/reset/2/s"],
    ["playlists that are reset, and a segment that comes at the third try", "down=4-8:reset&fault=9:flaky/503/2/r"],
  ])("over %s", async (_, query) => {
    const made = await record(stream(14, query));
    expect(made.seconds).toBe(14);
    expect(named(made, "recording.gap")).toEqual([]);
    expect(named(made, "recording.playlist")).toHaveLength(1);
  });

  it("without segments that cannot be had: the holes are closed and noted", async () => {
    const made = await record(stream(12, "fault=4:status/403&gap=7"), { live_from_start: true });
    expect(made.seconds).toBeCloseTo(10, 0);
    expect(named(made, "recording.gap")).toMatchObject([
      { from: 4, to: 4, reason: "HTTP 403" },
      { from: 7, to: 7, reason: "the source has a gap here" },
    ]);
    expect(named(made, "recording.ended")).toMatchObject([{ gaps: 2, runs: 3 }]);
    await playsThrough(made.path);
  });

  it("without a segment that hangs half way each time", async () => {
    const live = { ...FAST, requestIdleMs: 100, segmentPatienceMs: 300 };
    const made = await record(stream(10, "fault=7:stall"), {}, {}, undefined, { ...deps, ytdlp: seer(), live });
    expect(named(made, "recording.gap")).toMatchObject([{ from: 7, to: 7, reason: "the connection fell silent" }]);
    expect(made.seconds).toBeCloseTo(9, 0);
  });

  it("over a discontinuity whose clock begins again", async () => {
    const made = await record(stream(14, "break=8"), { live_from_start: true });
    expect(made.seconds).toBeCloseTo(14, 0);
    expect(named(made, "recording.ended")).toMatchObject([{ runs: 2 }]);
    await playsThrough(made.path);
  });

  it("over a clock that begins again without a word", async () => {
    const made = await record(stream(14, "break=8&untold"), { live_from_start: true });
    expect(named(made, "recording.ended")).toMatchObject([{ runs: 1 }]);
    expect(made.seconds).toBeCloseTo(14, 0);
    await playsThrough(made.path);
  });

  it("over an encoder that starts anew and counts from zero", async () => {
    const made = await record(stream(16, "restart=9"), { live_from_start: true });
    expect(named(made, "recording.restarted")).toHaveLength(1);
    expect(made.seconds).toBeCloseTo(16, 0);
    await playsThrough(made.path);
  });

  it("at a new address when the old one has run out", async () => {
    const made = await record(stream(14, "moved=7"), { live_from_start: true });
    expect(named(made, "recording.playlist")).toMatchObject([{ problem: "HTTP 403" }]);
    expect(named(made, "recording.renewed")).toHaveLength(1);
    expect(made.seconds).toBe(14);
  });

  it.each([
    ["fragments after a map", "media=broadcast-mp4"],
    ["byte ranges of one file", "media=broadcast-ranges"],
    ["segments under AES-128", "sealed"],
  ])("of %s", async (_, query) => {
    const made = await record(stream(12, query));
    expect(made.shape).toBe("mov h264 aac");
    expect(made.seconds).toBe(12);
    await playsThrough(made.path);
  });

  it("of picture and sound apart", async () => {
    const made = await found(stream(14, "start=9", "master.m3u8"), { live_from_start: true });
    expect(made.shape).toBe("mov h264 aac");
    expect(made.seconds).toBeCloseTo(14, 1);
    await playsThrough(made.path);
  });

  it("as sound alone, re-encoded, when that was asked for", async () => {
    const made = await record(stream(10), { format: "mp3", audio_only: true, live_from_start: true });
    expect(made.shape).toBe("mp3 mp3");
    expect(made.seconds).toBeCloseTo(10, 0);
  });

  it("until it becomes what nobody may record, and what came before is delivered", async () => {
    const made = await record(stream(50, "locked=6"), { live_from_start: true });
    expect(named(made, "recording.broke")).toMatchObject([{ error: "MediaFailure: Content is protected by DRM" }]);
    expect(named(made, "recording.ended")).toMatchObject([{ end: "broken" }]);
    expect(made.seconds).toBe(7);
  });

  it("until it is told to end, and delivers what it has", async () => {
    const end = new AbortController();
    const path = stream(99, "start=20");
    const recording = record(path, { live_from_start: true }, { endRecording: end.signal });
    await origin.waitForRequest(`/${path}`, 5);
    end.abort();
    const made = await recording;
    expect(named(made, "recording.ended")).toMatchObject([{ end: "stopped" }]);
    expect(made.seconds).toBeGreaterThan(20);
    await playsThrough(made.path);
  });

  it("until the account's file size is reached, and fits into it", async () => {
    const made = await record(stream(50), {}, { maxFilesizeBytes: 300_000 });
    expect(named(made, "recording.ended")).toMatchObject([{ end: "size" }]);
    expect((await stat(made.path)).size).toBeLessThan(300_000);
  });
});

describe("a live recording fails", () => {
  it("when it is aborted, by the reason that was given", async () => {
    const abort = new AbortController();
    const path = stream(99);
    const recording = record(path, {}, {}, abort.signal);
    await origin.waitForRequest(`/${path}`, 4);
    abort.abort(new MediaFailure("timeout"));
    await expect(recording).rejects.toMatchObject({ class: "timeout" });
  });

  it.each(["http_dash_segments", "https"])("at once when the stream comes as %s and not as HLS", async (protocol) => {
    const using = { ...deps, ytdlp: seer(protocol) };
    await expect(record(stream(12), {}, {}, undefined, using)).rejects.toMatchObject({
      class: "unsupported",
      message: "This live stream is not offered as HLS, the only kind that can be recorded",
    });
  });

  it("as DRM when it was copy-protected from the start", async () => {
    await expect(record(stream(50, "locked=1"))).rejects.toMatchObject({ class: "drm" });
  });

  it("as a network failure when nothing came at all", async () => {
    await expect(record(stream(99, "down=1-999:503"))).rejects.toMatchObject({
      class: "network",
      message: "The stream sent nothing that could be recorded",
    });
  });
});

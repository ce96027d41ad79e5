/** A `StepPlan` as ffmpeg arguments: a closed set, in which only numbers and our own paths vary. */
import { inputArguments, joinedArguments } from "../ffmpeg/input.ts";
import { CONTAINERS, type Container, type EncodedAudio, type EncodedVideo } from "./containers.ts";
import type { AudioStep, StepPlan, VideoStep } from "./steps.ts";

/** Speed before size: a node's minutes cost more than a few per cent of a file. */
const ENCODERS: Readonly<Record<EncodedVideo, readonly string[]>> = {
  h264: ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
  h265: ["-c:v", "libx265", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error"],
  vp9: [
    "-c:v",
    "libvpx-vp9",
    "-b:v",
    "0",
    "-deadline",
    "good",
    "-cpu-used",
    "5",
    "-row-mt",
    "1",
    "-pix_fmt",
    "yuv420p",
  ],
};
const AUDIO_ENCODERS: Readonly<Record<EncodedAudio, string>> = { aac: "aac", opus: "libopus", mp3: "libmp3lame" };
/** libopus refuses more than 256 kbit/s per channel. */
const OPUS_MAX_KBIT_PER_CHANNEL = 256;

export interface StepFile {
  /** Absolute; or the names of several files of our own in the working directory, to be read as one. */
  path: string | readonly string[];
  /** Seconds of it that are left out; below 0: how much later than the output it begins. */
  skip: number;
}

export interface StepFiles {
  /** In the order of the plan's inputs. */
  inputs: readonly StepFile[];
  output: string;
}

export interface StepTiming {
  /** Seconds that are read and decoded before the output begins. */
  preroll: number;
  /** Seconds to write; null for all. */
  length: number | null;
  /** A picture that is copied ends before this decoding time, seconds since the output's beginning; null for none. */
  copyUntil: number | null;
}

/** Arguments for everything after ffmpeg's own global options. */
export function stepArguments(plan: StepPlan, files: StepFiles, timing: StepTiming): string[] {
  const container = CONTAINERS[plan.format];
  const used = [...new Set([plan.video?.input, plan.audio?.input])].filter((at) => at !== undefined);
  return [
    ...used.flatMap((at) => fileArguments(files.inputs[at] ?? { path: "", skip: 0 })),
    ...(timing.preroll > 0 ? ["-ss", decimal(timing.preroll)] : []),
    ...(timing.length === null ? [] : ["-t", decimal(timing.length)]),
    ...(plan.video === null ? ["-vn"] : videoArguments(plan.video, used.indexOf(plan.video.input), plan)),
    ...(plan.video?.mode === "copy" && plan.clip !== null ? trimmed(timing.copyUntil, container) : []),
    ...(plan.audio === null ? ["-an"] : audioArguments(plan.audio, used.indexOf(plan.audio.input))),
    // A seek may land early; what it brings along is no part of the clip.
    ...(plan.audio?.mode === "copy" && plan.clip !== null ? ["-copypriorss:a", "0"] : []),
    ...["-sn", "-dn"],
    // The times of chapters do not follow a cut.
    ...(plan.clip === null ? [] : ["-map_chapters", "-1"]),
    // A stream that runs far ahead of the other (broken interleaving) must not end the job.
    ...["-max_muxing_queue_size", "4096"],
    ...(container.faststart ? ["-movflags", "+faststart"] : []),
    // Opus in MP4 counts as experimental in the ffmpeg of Debian 12.
    ...(container.muxer === "mp4" ? ["-strict", "-2"] : []),
    ...["-f", container.muxer, "-y", `file:${files.output}`],
  ];
}

/**
 * A seek finds the keyframe that is decoded before a time, which may be shown after it: pictures in between would be missing.
 * So much earlier it is shown before, too; the encoder gets what comes from the time on.
 */
const PREROLL_SECONDS = 0.5;

export function prerollFor(seconds: number): number {
  return Math.min(PREROLL_SECONDS, Math.max(0, seconds));
}

function fileArguments({ path, skip }: StepFile): string[] {
  const position = skip > 0 ? ["-ss", decimal(skip)] : skip < 0 ? ["-itsoffset", decimal(-skip)] : [];
  return typeof path === "string" ? inputArguments(path, position) : joinedArguments(path, position);
}

/** Fine enough for any source, whatever its own clock: ffmpeg counts in it before it drops packets. */
const CUT_TICKS = 90_000;
const MATROSKA_TICKS = 1_000;

/**
 * Packets that are not to be kept, whatever ffmpeg reads: pictures that are shown before the keyframe but decoded after it
 * (an open group of pictures; what they refer to is not there), and those from the end on.
 */
function trimmed(until: number | null, { faststart }: Container): string[] {
  const ticks = faststart ? CUT_TICKS : MATROSKA_TICKS;
  const behind = until === null ? "" : `+gte(dts\\,${(until * ticks).toFixed(1)})`;
  const clock = faststart ? ["-video_track_timescale", String(ticks)] : [];
  return ["-copypriorss:v", "0", "-bsf:v", `noise=drop=lt(pts\\,startpts)${behind}`, ...clock];
}

function videoArguments(step: VideoStep, input: number, plan: StepPlan): string[] {
  const map = ["-map", `${input}:${step.stream.index ?? "v:0"}`];
  const codec = step.mode === "copy" ? step.stream.codec : step.codec;
  // Apple's players know H.265 by this tag only.
  const tag = codec === "h265" && CONTAINERS[plan.format].faststart ? ["-tag:v", "hvc1"] : [];
  if (step.mode === "copy") return [...map, "-c:v", "copy", ...tag];
  const filter = shape(step);
  // Pictures keep the source's own times: rounded to a frame rate that ffmpeg guessed, a cut would drop one and show another twice.
  const times = ["-fps_mode", "vfr", "-enc_time_base", "-1"];
  return [...map, ...filter, ...times, ...ENCODERS[step.codec], "-crf", String(step.crf), ...tag];
}

function shape({ side, stream }: Extract<VideoStep, { mode: "encode" }>): string[] {
  // By the picture as it is shown: ffmpeg has turned it where a player would. -2 keeps the proportions, and the side even.
  if (side !== null) return ["-vf", `scale=w=if(lt(iw\\,ih)\\,${side}\\,-2):h=if(lt(iw\\,ih)\\,-2\\,${side})`];
  // 4:2:0 needs even sides; sources with odd ones exist.
  const odd = (stream.width ?? 0) % 2 === 1 || (stream.height ?? 0) % 2 === 1;
  return odd ? ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2"] : [];
}

function audioArguments(step: AudioStep, input: number): string[] {
  const map = ["-map", `${input}:${step.stream.index ?? "a:0"}`];
  if (step.mode === "copy") return [...map, "-c:a", "copy"];
  const channels = step.stream.channels ?? 2;
  // MP3 has two channels at most, and libopus refuses some layouts of more.
  const down = channels > 2 && step.codec !== "aac" ? ["-ac", "2"] : [];
  const kbit = Number.parseInt(step.bitrate, 10);
  const most = step.codec === "opus" ? OPUS_MAX_KBIT_PER_CHANNEL * Math.min(channels, 2) : kbit;
  return [...map, "-c:a", AUDIO_ENCODERS[step.codec], "-b:a", `${Math.min(kbit, most)}k`, ...down];
}

/** Seconds as ffmpeg takes them. */
export function decimal(seconds: number): string {
  return Math.max(0, seconds).toFixed(6);
}

/** A `StepPlan` as ffmpeg arguments: a closed set, in which only numbers and our own paths vary. */
import { inputArguments } from "../ffmpeg/input.ts";
import { CONTAINERS, type EncodedAudio, type EncodedVideo } from "./containers.ts";
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

export interface StepFiles {
  /** Absolute paths, in the order of the plan's inputs. */
  inputs: readonly string[];
  output: string;
}

/**
 * Arguments for everything after ffmpeg's own global options.
 *
 * @param seek Where reading starts, seconds: the clip's start, or the keyframe before it when the picture is copied.
 */
export function stepArguments(plan: StepPlan, files: StepFiles, seek: number): string[] {
  const container = CONTAINERS[plan.format];
  const used = [...new Set([plan.video?.input, plan.audio?.input])].filter((at) => at !== undefined);
  const position = plan.clip !== null && seek > 0 ? ["-ss", decimal(seek)] : [];
  return [
    ...used.flatMap((at) => inputArguments(files.inputs[at] ?? "", position)),
    ...(plan.clip?.end == null ? [] : ["-t", decimal(plan.clip.end - seek)]),
    ...(plan.video === null ? ["-vn"] : videoArguments(plan.video, used.indexOf(plan.video.input), plan)),
    ...(plan.audio === null ? ["-an"] : audioArguments(plan.audio, used.indexOf(plan.audio.input))),
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

function videoArguments(step: VideoStep, input: number, plan: StepPlan): string[] {
  const map = ["-map", `${input}:${step.stream.index ?? "v:0"}`];
  const codec = step.mode === "copy" ? step.stream.codec : step.codec;
  // Apple's players know H.265 by this tag only.
  const tag = codec === "h265" && CONTAINERS[plan.format].faststart ? ["-tag:v", "hvc1"] : [];
  if (step.mode === "copy") return [...map, "-c:v", "copy", ...tag];
  // 4:2:0 needs even sides; sources with odd ones exist.
  const { width, height } = step.stream;
  const odd = (width ?? 0) % 2 === 1 || (height ?? 0) % 2 === 1;
  const even = odd ? ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2"] : [];
  return [...map, ...even, ...ENCODERS[step.codec], "-crf", String(step.crf), ...tag];
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

function decimal(seconds: number): string {
  return Math.max(0, seconds).toFixed(6);
}

/**
 * From (options, what the source files hold) to what ffmpeg must do: nothing, copy, or re-encode what must be. Pure.
 * It is asked twice: with the codecs that a site claims, for the plan, and with those that the probe found, for the work.
 */
import type { AudioBitrate, Format, JobOptions } from "../../../shared/contract/options.ts";
import { CONTAINERS, type EncodedAudio, type EncodedVideo, keeps, wantsAudioOnly } from "./containers.ts";
import { shorterSide } from "./formats.ts";
import { crf, DEFAULT_AUDIO_BITRATE } from "./quality.ts";

export interface VideoStream {
  /** Stream index in its file; null in a plan made before the download. */
  index: number | null;
  codec: string | null;
  width: number | null;
  height: number | null;
}

export interface AudioStream {
  index: number | null;
  codec: string | null;
  channels: number | null;
}

/** One downloaded file. */
export interface StepInput {
  video: VideoStream | null;
  audio: AudioStream | null;
  /** The output format that the file already is, byte for byte, with no other streams in it; null if none. */
  plain: Format | null;
}

export type VideoStep =
  | { mode: "copy"; input: number; stream: VideoStream }
  | {
      mode: "encode";
      input: number;
      stream: VideoStream;
      codec: EncodedVideo;
      crf: number;
      /** The shorter side to scale down to; null as it is. Never up. */
      side: number | null;
    };

export type AudioStep =
  | { mode: "copy"; input: number; stream: AudioStream }
  | { mode: "encode"; input: number; stream: AudioStream; codec: EncodedAudio; bitrate: AudioBitrate };

export interface StepPlan {
  /** `move`: the file is what was asked for. `remux`: packets only. `transcode`: something is re-encoded. */
  kind: "move" | "remux" | "transcode";
  format: Format;
  video: VideoStep | null;
  audio: AudioStep | null;
  clip: { start: number; end: number | null } | null;
  /** What the job echoes in place of `copy`; null where it got what it asked for. */
  effective: { video_codec: string | null; audio_codec: string | null; video_quality: number | null };
}

export type StepOptions = Pick<
  JobOptions,
  | "format"
  | "audio_only"
  | "video_codec"
  | "audio_codec"
  | "audio_bitrate"
  | "audio_codec_explicit"
  | "video_quality"
  | "quality_preset"
  | "max_resolution"
  | "format_id"
  | "clip_start_seconds"
  | "clip_end_seconds"
>;

/** Null when the files hold nothing that was asked for. */
export function planSteps(options: StepOptions, inputs: readonly StepInput[]): StepPlan | null {
  const videoAt = wantsAudioOnly(options) ? -1 : inputs.findIndex((input) => input.video !== null);
  // A sound file of its own comes last and beats the sound that came with the picture.
  const audioAt = inputs.findLastIndex((input) => input.audio !== null);
  const clip = planClip(options);
  const video = planVideo(options, videoAt, inputs[videoAt]?.video ?? null, clip !== null);
  const audio = planAudio(options, audioAt, inputs[audioAt]?.audio ?? null);
  if (video === null && audio === null) return null;
  const encodes = video?.mode === "encode" || audio?.mode === "encode";
  const sources = new Set([video?.input, audio?.input].filter((at) => at !== undefined));
  const [only] = sources;
  const isPlain = sources.size === 1 && only !== undefined && inputs[only]?.plain === options.format;
  const fallback = video?.mode === "encode" && video.codec !== options.video_codec ? video : null;
  return {
    kind: encodes ? "transcode" : isPlain && clip === null ? "move" : "remux",
    format: options.format,
    video,
    audio,
    clip,
    effective: {
      video_codec: fallback?.codec ?? null,
      video_quality: fallback?.crf ?? null,
      audio_codec: audio?.mode === "encode" && audio.codec !== options.audio_codec ? audio.codec : null,
    },
  };
}

/** Null when the whole is wanted. */
export function planClip(options: Pick<StepOptions, "clip_start_seconds" | "clip_end_seconds">): StepPlan["clip"] {
  const { clip_start_seconds: start, clip_end_seconds: end } = options;
  return start === null && end === null ? null : { start: start ?? 0, end };
}

function planVideo(
  options: StepOptions,
  input: number,
  stream: VideoStream | null,
  clipped: boolean,
): VideoStep | null {
  if (stream === null) return null;
  const container = CONTAINERS[options.format];
  const wanted = options.video_codec;
  const fits = keeps(container.video, stream.codec);
  if (wanted === "copy" && fits) return { mode: "copy", input, stream };
  // Already what was asked for, no quality named, no exact cut: a re-encode would only make it worse.
  const plainWish = options.video_quality === null && options.quality_preset === null && !clipped;
  if (wanted === stream.codec && plainWish && fits) return { mode: "copy", input, stream };
  const codec = wanted === "copy" || !keeps(container.video, wanted) ? container.fallbackVideo : wanted;
  const quality = crf(codec, options.quality_preset, options.video_quality);
  return { mode: "encode", input, stream, codec, crf: quality, side: scaledSide(options, stream) };
}

/**
 * `max_resolution` chooses among what the site offers, and of what is all too large the smallest (3.1). Where the picture is
 * encoded anyway the limit costs nothing, and is kept; a format that was named beats it.
 */
function scaledSide(options: StepOptions, stream: VideoStream): number | null {
  const limit = Number(options.max_resolution);
  const side = shorterSide(stream);
  return options.format_id === null && side !== null && side > limit ? limit : null;
}

function planAudio(options: StepOptions, input: number, stream: AudioStream | null): AudioStep | null {
  if (stream === null) return null;
  const container = CONTAINERS[options.format];
  const wanted = options.audio_codec;
  const fits = keeps(container.audio, stream.codec);
  if (wanted === "copy" && fits) return { mode: "copy", input, stream };
  if (wanted === stream.codec && options.audio_bitrate === null && fits) return { mode: "copy", input, stream };
  const codec = wanted === "copy" || !keeps(container.audio, wanted) ? container.fallbackAudio : wanted;
  // `audio_bitrate` has no effect on a `copy` that was asked for by name, even where it falls back (jobs API 3.1).
  const named = wanted === "copy" && options.audio_codec_explicit ? null : options.audio_bitrate;
  return { mode: "encode", input, stream, codec, bitrate: named ?? DEFAULT_AUDIO_BITRATE };
}

/**
 * Auto-correction (jobs API 3.1): combinations that cannot be are changed into ones that can, never refused. The result
 * is what is stored, echoed and planned from. Applying it twice changes nothing.
 */
import type { CreateJobBody } from "./contract/create-job.ts";
import {
  type AudioCodec,
  type Format,
  isAudioFormat,
  isFormat,
  type JobOptions,
  type QualityPreset,
  RESOLUTIONS,
  type Resolution,
  type VideoCodec,
} from "./contract/options.ts";
import { parseTimestamp } from "./timestamp.ts";

const DEFAULT_CRF = 23;
const DEFAULT_PLAYLIST_LIMIT = 500;
export const DEFAULT_AUDIO_BITRATE = "192k";

/** Section 11.3. */
export const CRF: Record<Exclude<VideoCodec, "copy">, Record<QualityPreset, number>> = {
  h264: { highest: 18, high: 20, medium: 23, low: 28, lowest: 32 },
  h265: { highest: 20, high: 23, medium: 26, low: 30, lowest: 34 },
  vp9: { highest: 24, high: 28, medium: 31, low: 36, lowest: 42 },
};

/** Section 11.4: codecs that a container holds, and what stands in for the others. `mkv` holds all. */
const VIDEO_HOLDS: Partial<Record<Format, { holds: readonly VideoCodec[]; fallback: VideoCodec }>> = {
  mp4: { holds: ["h264", "h265", "vp9"], fallback: "h264" },
  mov: { holds: ["h264", "h265"], fallback: "h264" },
  webm: { holds: ["vp9"], fallback: "vp9" },
};
const AUDIO_HOLDS: Partial<Record<Format, { holds: readonly AudioCodec[]; fallback: AudioCodec }>> = {
  mp4: { holds: ["aac", "mp3", "opus"], fallback: "aac" },
  mov: { holds: ["aac", "mp3"], fallback: "aac" },
  webm: { holds: ["opus"], fallback: "opus" },
  m4a: { holds: ["aac"], fallback: "aac" },
  mp3: { holds: ["mp3"], fallback: "mp3" },
  ogg: { holds: ["opus"], fallback: "opus" },
  opus: { holds: ["opus"], fallback: "opus" },
};

/** What a request asks for, with no default filled in. */
export type RequestedOptions = Omit<
  CreateJobBody,
  | "url"
  | "filename"
  | "folder"
  | "webhook_url"
  | "paused"
  | "priority"
  | "tags"
  | "metadata"
  | "cookies"
  | "max_resolution"
  | "storage"
> & {
  /** With the height that only the downloads API has. */
  max_resolution?: Resolution | undefined;
};

/** @param keyLimit highest `max_resolution` that the API key may ask for, or null. */
export function normaliseOptions(asked: RequestedOptions, keyLimit: string | null): JobOptions {
  const { format, audioOnly } = container(asked.format, asked.audio_only ?? false);
  const explicitCopy = asked.audio_codec === "copy";
  const wantsBitrate = asked.audio_bitrate !== undefined && asked.audio_codec === undefined;
  const audio_codec = fitting(AUDIO_HOLDS[format], asked.audio_codec ?? (wantsBitrate ? "aac" : "copy"));
  const video_codec = fitting(VIDEO_HOLDS[format], asked.video_codec ?? "copy");
  return {
    format,
    video_codec,
    audio_codec,
    audio_codec_explicit: explicitCopy,
    audio_bitrate: audio_codec === "copy" ? null : (asked.audio_bitrate ?? DEFAULT_AUDIO_BITRATE),
    video_quality: videoQuality(video_codec, asked.video_quality, asked.quality_preset),
    quality_preset: asked.quality_preset ?? null,
    max_resolution: limitResolution(asked.max_resolution ?? "best", keyLimit),
    audio_only: audioOnly,
    download_subtitles: asked.download_subtitles ?? false,
    download_thumbnail: asked.download_thumbnail ?? false,
    clip_start: asked.clip_start ?? null,
    clip_end: asked.clip_end ?? null,
    clip_start_seconds: asked.clip_start === undefined ? null : parseTimestamp(asked.clip_start),
    clip_end_seconds: asked.clip_end === undefined ? null : parseTimestamp(asked.clip_end),
    live_recording: asked.live_recording ?? false,
    live_from_start: asked.live_from_start ?? false,
    max_duration: asked.max_duration ?? null,
    wait_for_video: asked.wait_for_video ?? false,
    enable_progress_webhook: asked.enable_progress_webhook ?? false,
    playlist: asked.playlist ?? "auto",
    playlist_limit: asked.playlist_limit ?? DEFAULT_PLAYLIST_LIMIT,
    subtitle_languages: (asked.subtitle_languages ?? []).map(String),
    embed_metadata: asked.embed_metadata ?? false,
    format_id: asked.format_id ?? null,
  };
}

/** Steps 1 and 2: an unknown format is `mp4`; a video container without video, or the reverse, is made whole. */
function container(asked: string | undefined, audioOnly: boolean): { format: Format; audioOnly: boolean } {
  if (asked === undefined) return { format: audioOnly ? "m4a" : "mp4", audioOnly };
  const format = isFormat(asked) ? asked : "mp4";
  if (isAudioFormat(format)) return { format, audioOnly: true };
  if (!audioOnly) return { format, audioOnly };
  return { format: format === "webm" ? "opus" : "m4a", audioOnly };
}

/** Step 4. */
function fitting<Codec extends string>(
  rule: { holds: readonly Codec[]; fallback: Codec } | undefined,
  codec: Codec,
): Codec {
  if (rule === undefined || codec === "copy" || rule.holds.includes(codec)) return codec;
  return rule.fallback;
}

/** The CRF in force; with `copy` the value as sent. */
function videoQuality(codec: VideoCodec, asked: number | undefined, preset: QualityPreset | undefined): number | null {
  if (codec === "copy") return asked ?? null;
  return preset === undefined ? (asked ?? DEFAULT_CRF) : CRF[codec][preset];
}

/** Step 5: `best` counts as the highest. */
export function limitResolution(asked: Resolution, keyLimit: string | null): Resolution {
  const limit = RESOLUTIONS.find((each) => each === keyLimit);
  if (limit === undefined || limit === "best") return asked;
  const height = (value: Resolution) => (value === "best" ? Number.POSITIVE_INFINITY : Number(value));
  return height(asked) > height(limit) ? limit : asked;
}

/**
 * The option vocabulary of a job (jobs API 3.1): names, allowed values, defaults.
 * The order of each list is the order in which error texts name the values.
 */

export const VIDEO_FORMATS = ["mp4", "mkv", "webm", "mov"] as const;
export const AUDIO_FORMATS = ["m4a", "mp3", "ogg", "opus"] as const;
export const VIDEO_CODECS = ["copy", "h264", "h265", "vp9"] as const;
export const AUDIO_CODECS = ["copy", "aac", "opus", "mp3"] as const;
export const AUDIO_BITRATES = ["64k", "128k", "192k", "256k", "320k"] as const;
export const QUALITY_PRESETS = ["highest", "high", "medium", "low", "lowest"] as const;
export const RESOLUTIONS = ["best", "2160", "1440", "1080", "720", "480", "360"] as const;
export const PLAYLIST_MODES = ["auto", "always", "never"] as const;

export type VideoFormat = (typeof VIDEO_FORMATS)[number];
export type AudioFormat = (typeof AUDIO_FORMATS)[number];
export type Format = VideoFormat | AudioFormat;
export type VideoCodec = (typeof VIDEO_CODECS)[number];
export type AudioCodec = (typeof AUDIO_CODECS)[number];
export type AudioBitrate = (typeof AUDIO_BITRATES)[number];
export type QualityPreset = (typeof QUALITY_PRESETS)[number];
/** `240` belongs to the downloads API only; the jobs API never accepts it, but echoes it. */
export type Resolution = (typeof RESOLUTIONS)[number] | "240";
export type PlaylistMode = (typeof PLAYLIST_MODES)[number];

/**
 * The effective options of one job, after defaults and auto-correction: what is stored, echoed, and what the node's
 * media plan works from. Times are seconds.
 */
export interface JobOptions {
  format: Format;
  video_codec: VideoCodec;
  audio_codec: AudioCodec;
  /** True when the client asked for `copy` by name: then `audio_bitrate` has no effect. */
  audio_codec_explicit: boolean;
  audio_bitrate: AudioBitrate | null;
  video_quality: number | null;
  quality_preset: QualityPreset | null;
  max_resolution: Resolution;
  /** What was asked for, where the key's limit made less of it. Never echoed by the jobs API. */
  asked_resolution?: Resolution;
  audio_only: boolean;
  download_subtitles: boolean;
  download_thumbnail: boolean;
  /** As the client wrote them; the plan reads the seconds beside them. */
  clip_start: string | null;
  clip_end: string | null;
  clip_start_seconds: number | null;
  clip_end_seconds: number | null;
  live_recording: boolean;
  live_from_start: boolean;
  /** Recording cap, seconds. */
  max_duration: number | null;
  wait_for_video: boolean;
  enable_progress_webhook: boolean;
  playlist: PlaylistMode;
  playlist_limit: number;
  subtitle_languages: string[];
  embed_metadata: boolean;
  format_id: string | null;
  /** `paused` was sent: a batch that this job turns into is created held. */
  hold_children?: boolean;
  /** The operator wants `<name>.info.json` beside the file (`TRAWL_INFO_JSON`). Never echoed. */
  info_json?: boolean;
  /** What is downloaded instead of the job's URL: the open audio of a show's episode. Never echoed. */
  media_url?: string;
  /** A job of the library API: yt-dlp runs by these options instead of our media plan. Never echoed. */
  library?: LibraryRun;
  /** Limits of the key that made the job, where they differ from the account's. Never echoed. */
  limits?: {
    max_duration_seconds?: number;
    max_filesize_bytes?: number;
    attempt_deadline_seconds?: number;
    storage_limit_bytes?: number;
  };
}

/** How a node runs yt-dlp for a job of the library API (sections 3.4 and 3.6 there). The edge has checked all of it. */
export interface LibraryRun {
  /**
   * The merged command line of preset and item, a word each: no option of those that a user may not give (5.1). Empty in rows
   * and leases: the node hears it with its confirm.
   */
  args: string[];
  /** Output template, relative: where the file lies below the item's folder. */
  template: string;
  /** The same for the files of chapters. */
  template_chapter: string;
  /** What its list said of an entry, for the templates: `playlist`, `playlist_…` and `n_entries`. */
  fields?: Record<string, string | number | null>;
}

export function isAudioFormat(format: string): format is AudioFormat {
  return (AUDIO_FORMATS as readonly string[]).includes(format);
}

export function isFormat(format: string): format is Format {
  return isAudioFormat(format) || (VIDEO_FORMATS as readonly string[]).includes(format);
}

/** The type that a stored media file is served with. Keyed by our formats, never by what a node or a site claims. */
export const CONTENT_TYPES: Record<Format, string> = {
  mp4: "video/mp4",
  mkv: "video/x-matroska",
  webm: "video/webm",
  mov: "video/quicktime",
  m4a: "audio/mp4",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
};

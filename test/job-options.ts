import type { JobOptions } from "../shared/contract/options.ts";

/** The defaults of `POST /jobs`, with some fields changed. */
export function jobOptions(changes: Partial<JobOptions> = {}): JobOptions {
  return {
    format: "mp4",
    video_codec: "copy",
    audio_codec: "copy",
    audio_codec_explicit: false,
    audio_bitrate: null,
    video_quality: null,
    quality_preset: null,
    max_resolution: "best",
    audio_only: false,
    download_subtitles: false,
    download_thumbnail: false,
    clip_start: null,
    clip_end: null,
    clip_start_seconds: null,
    clip_end_seconds: null,
    live_recording: false,
    live_from_start: false,
    max_duration: null,
    wait_for_video: false,
    enable_progress_webhook: false,
    playlist: "auto",
    playlist_limit: 500,
    subtitle_languages: [],
    embed_metadata: false,
    format_id: null,
    ...changes,
  };
}

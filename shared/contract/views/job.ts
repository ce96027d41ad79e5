/** `GET /jobs/{id}` (jobs API 3.5): every key is always there, null where it does not apply. */
import { z } from "zod";
import { choice, decimal, flag, id, list, millis, orNull, text, whole } from "./fields.ts";
import { JOB_EXAMPLE } from "./job-example.ts";

const JOB_STATUSES = ["Pending", "Processing", "Completed", "Failed", "Warning", "Skipped"] as const;
const JOB_STEPS = ["Queued", "Downloading", "Muxing", "Uploading", "Finished", "Cancelled"] as const;
const ERROR_TYPES = ["error", "warning"] as const;

export const status = choice(JOB_STATUSES, "State of the job; the last four are terminal and never change");
export const step = choice(JOB_STEPS, "Step inside the status; `Cancelled` marks a cancelled `Failed`");
export const error = orNull(text("Why it ended: set exactly for `Failed`, `Warning` and `Skipped`"));
export const errorType = orNull(choice(ERROR_TYPES, "`error` is technical, `warning` lies in the content"));
export const progress = orNull(
  decimal("0–100, one decimal: download fills 0–33, mux 33–66, upload 66–100. Null for live without a known end"),
);
export const metadata = orNull(z.record(z.string(), z.unknown()).describe("The client's own JSON, as sent"));

const JobFile = z
  .object({
    id: id("Id of the file"),
    kind: choice(["media", "subtitle", "thumbnail", "info"], "What the file is"),
    key: text("Logical key in the storage"),
    size: whole("Bytes"),
    content_type: text("Type that it is served with"),
    language: orNull(text("BCP 47 tag, for subtitles")),
    sha256: orNull(text("SHA-256 of the bytes, hexadecimal")),
    url: orNull(text("Signed URL, 24 h, new on each read; null when the file is out of reach")),
  })
  .meta({ id: "JobFile", description: "One delivered file." });

const duration = (what: string) => orNull(whole(`Milliseconds: ${what}. Null until the end`));
const count = (what: string) => orNull(whole(`${what}. Null until the end`));
const speed = (what: string) => orNull(decimal(`${what} in MB/s (10^6 bytes) despite the name, one decimal`));

const outcome = {
  id: id("Id of the job"),
  url: text("As sent"),
  status,
  step,
  s3_url: orNull(text("Signed URL of the media file, 24 h, new on each read; only while `Completed` with a file")),
  subtitle_url: orNull(text("Signed URL of the first subtitle file, like `s3_url`")),
  thumbnail_url: orNull(text("Signed URL of the thumbnail, like `s3_url`")),
  error,
  error_type: errorType,
  title: orNull(text("From the source, as soon as known")),
  description: orNull(text("From the source, as soon as known")),
  release_date: orNull(text("ISO 8601 UTC; exact for Spotify, midnight of the upload day for YouTube")),
  folder: orNull(text("As sent")),
  batch_id: orNull(id("Batch that the job belongs to, or is the parent of")),
  file_size: orNull(whole("Bytes of the media file; kept when the file is deleted")),
  created_at: millis("When it was created"),
  finished_at: orNull(millis("When it ended; set exactly when the status is terminal")),
};

const telemetry = {
  download_speed_mbps: speed("Download speed"),
  upload_speed_mbps: speed("Upload speed"),
  queue_wait_ms: orNull(whole("Milliseconds of waiting before the last hand-out")),
  total_duration_ms: duration("last hand-out to end"),
  precheck_duration_ms: duration("availability check"),
  extract_duration_ms: duration("look-up at the source"),
  download_duration_ms: duration("download"),
  subtitle_duration_ms: duration("subtitles"),
  mux_duration_ms: duration("mux"),
  file_move_ms: duration("moving the file"),
  upload_duration_ms: duration("upload"),
  io_wait_ms: duration("waiting for disk"),
  cpu_wait_ms: duration("waiting for a CPU slot"),
  upload_wait_ms: duration("waiting for an upload slot"),
  download_strategy: orNull(
    choice(["native", "direct", "generic", "proxy", "live"], "How it was fetched; do not depend on it"),
  ),
  cascade_total_attempts: count("Strategies tried"),
  download_retries: count("Repeats of the download inside the winning attempt"),
  upload_retries: count("Repeats of the upload inside the winning attempt"),
  native_video_codec: orNull(text("Codec of the source, short style (`avc1`, `vp09`)")),
  native_audio_codec: orNull(text("Codec of the source, short style (`mp4a`, `opus`)")),
  requested_quality: text("Effective `max_resolution`"),
  actual_quality: orNull(text("Shorter side and `p`, or `audio`")),
};

const webhook = {
  webhook_status: orNull(
    choice(["no_webhook", "delivered", "failed"], "Outcome webhook; null while due or being repeated"),
  ),
  webhook_attempts: orNull(whole("Tries so far")),
  webhook_last_error: orNull(text("Last error, as `HTTP 500` or `timeout`")),
  webhook_response_time_ms: orNull(whole("Milliseconds until the last response")),
};

const request = {
  format: text("Effective container"),
  video_codec: text("Effective video codec; what the file has instead of `copy` where the source did not fit"),
  audio_codec: text("Effective audio codec, like `video_codec`"),
  audio_bitrate: orNull(text("Null unless audio is transcoded")),
  video_quality: orNull(whole("CRF in force; with `copy` as sent")),
  quality_preset: orNull(text("As sent")),
  max_resolution: text("Effective limit of the shorter side"),
  filename: orNull(text("As sent")),
  audio_only: flag("Effective value"),
  download_subtitles: flag("As sent"),
  download_thumbnail: flag("As sent"),
  clip_start: orNull(text("As sent")),
  clip_end: orNull(text("As sent")),
  live_recording: flag("As sent, or because the source is live"),
  live_from_start: flag("As sent"),
  max_duration: orNull(whole("Recording cap in seconds")),
  wait_for_video: flag("As sent"),
  enable_progress_webhook: flag("As sent, false without `webhook_url`"),
  marketplace_source: z.null().describe("Always null"),
};

export const Job = z
  .object({
    ...outcome,
    ...telemetry,
    ...webhook,
    ...request,
    progress,
    eta_seconds: orNull(whole("Only while `Processing` and known")),
    speed_bytes_per_second: orNull(whole("Only while `Processing` and known")),
    attempts: whole("Confirmed hand-outs: one more each time the job becomes `Processing`"),
    node_id: orNull(text("Public name of the last node; null before the first")),
    actual_clip_start: orNull(decimal("Seconds really cut, three decimals")),
    actual_clip_end: orNull(decimal("Seconds really cut, three decimals")),
    priority: z.int().describe("As sent"),
    tags: list(z.string(), "As sent"),
    metadata,
    files: list(JobFile, "Delivered files; empty until completed and after deletion"),
  })
  .meta({ id: "Job", description: "A job with everything that is known of it.", examples: [JOB_EXAMPLE] });

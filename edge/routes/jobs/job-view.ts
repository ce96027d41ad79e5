/** The fixed shape of `GET /jobs/{id}` (jobs API 3.5): every key is always there, null where it does not apply. */
import { askedTags } from "../../../shared/contract/fleet.ts";
import type { EffectiveMedia, ExtractedInfo, Telemetry } from "../../../shared/contract/media.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { DEFAULT_AUDIO_BITRATE } from "../../../shared/normalise-options.ts";
import type { WebhookStatus } from "../../db/deliveries.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { JobRow } from "../../partition/job-row.ts";
import { apiStatus, apiStep, isTerminal } from "../../partition/states.ts";

export interface JobWithWebhook extends JobSource {
  webhook: WebhookStatus;
}

export interface JobSource {
  row: JobRow;
  files: FileRow[];
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
}

/** Makes the URL of one file; null when it cannot be reached any more. */
export type FileUrls = (file: FileRow) => Promise<string | null>;

export async function jobView(source: JobWithWebhook, urlOf: FileUrls) {
  const { row } = source;
  const options = JSON.parse(row.options) as JobOptions;
  const info = row.source === null ? null : (JSON.parse(row.source) as ExtractedInfo);
  const effective = row.effective === null ? null : (JSON.parse(row.effective) as EffectiveMedia);
  const completed = row.state === "completed";
  const processing = apiStatus(row.state) === "Processing";
  const files = completed ? await fileViews(source.files, urlOf) : [];
  const urlOfKind = (kind: string) => files.find((file) => file.kind === kind)?.url ?? null;
  return {
    id: row.id,
    url: row.url,
    status: apiStatus(row.state),
    step: apiStep(row.state, row.step),
    s3_url: urlOfKind("media"),
    subtitle_url: urlOfKind("subtitle"),
    thumbnail_url: urlOfKind("thumbnail"),
    error: row.error,
    error_type: row.error_type,
    title: row.title,
    description: row.description,
    release_date: row.release_date,
    folder: row.folder,
    batch_id: row.batch_id,
    file_size: row.file_size,
    created_at: row.created_at,
    finished_at: row.finished_at,
    ...telemetryView(row, options),
    ...source.webhook,
    ...optionsView(row, options, effective, info),
    progress: row.progress,
    eta_seconds: processing ? source.eta_seconds : null,
    speed_bytes_per_second: processing ? source.speed_bytes_per_second : null,
    attempts: row.attempts,
    node_id: row.node_name,
    actual_clip_start: effective?.actual_clip_start ?? null,
    actual_clip_end: effective?.actual_clip_end ?? null,
    priority: row.priority,
    tags: askedTags(row.tags),
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as unknown),
    files,
  };
}

/** Null until the end, but for the wait before the hand-out and what was asked for. */
function telemetryView(row: JobRow, options: JobOptions) {
  const telemetry = row.telemetry === null ? null : (JSON.parse(row.telemetry) as Telemetry);
  const ended = isTerminal(row.state);
  return {
    download_speed_mbps: telemetry?.download_speed_mbps ?? null,
    upload_speed_mbps: telemetry?.upload_speed_mbps ?? null,
    queue_wait_ms: row.started_at === null ? null : Math.max(0, row.started_at - row.queued_at),
    total_duration_ms:
      ended && row.started_at !== null && row.finished_at !== null
        ? Math.max(0, row.finished_at - row.started_at)
        : null,
    precheck_duration_ms: telemetry?.precheck_duration_ms ?? null,
    extract_duration_ms: telemetry?.extract_duration_ms ?? null,
    download_duration_ms: telemetry?.download_duration_ms ?? null,
    subtitle_duration_ms: telemetry?.subtitle_duration_ms ?? null,
    mux_duration_ms: telemetry?.mux_duration_ms ?? null,
    file_move_ms: telemetry?.file_move_ms ?? null,
    upload_duration_ms: telemetry?.upload_duration_ms ?? null,
    io_wait_ms: telemetry?.io_wait_ms ?? null,
    cpu_wait_ms: telemetry?.cpu_wait_ms ?? null,
    upload_wait_ms: telemetry?.upload_wait_ms ?? null,
    download_strategy: telemetry?.download_strategy ?? null,
    cascade_total_attempts: telemetry?.cascade_total_attempts ?? null,
    download_retries: telemetry?.download_retries ?? null,
    upload_retries: telemetry?.upload_retries ?? null,
    native_video_codec: telemetry?.native_video_codec ?? null,
    native_audio_codec: telemetry?.native_audio_codec ?? null,
    requested_quality: options.max_resolution,
    actual_quality: telemetry?.actual_quality ?? null,
  };
}

/** The effective request; where the source did not fit `copy`, what the file has instead (section 11.4). */
function optionsView(row: JobRow, options: JobOptions, effective: EffectiveMedia | null, info: ExtractedInfo | null) {
  const audioCodec = effective?.audio_codec ?? options.audio_codec;
  return {
    format: options.format,
    video_codec: effective?.video_codec ?? options.video_codec,
    audio_codec: audioCodec,
    audio_bitrate: audioCodec === "copy" ? null : (options.audio_bitrate ?? DEFAULT_AUDIO_BITRATE),
    video_quality: effective?.video_quality ?? options.video_quality,
    quality_preset: options.quality_preset,
    max_resolution: options.max_resolution,
    filename: row.filename,
    audio_only: options.audio_only,
    download_subtitles: options.download_subtitles,
    download_thumbnail: options.download_thumbnail,
    clip_start: options.clip_start,
    clip_end: options.clip_end,
    live_recording: options.live_recording || (info?.is_live ?? false),
    live_from_start: options.live_from_start,
    max_duration: options.max_duration,
    wait_for_video: options.wait_for_video,
    enable_progress_webhook: options.enable_progress_webhook,
    marketplace_source: null,
  };
}

async function fileViews(files: readonly FileRow[], urlOf: FileUrls) {
  const present = files.filter((file) => file.deleted_at === null);
  return Promise.all(
    present.map(async (file) => ({
      id: file.file_id,
      kind: file.kind,
      key: file.path,
      size: file.size,
      content_type: file.content_type,
      language: file.language,
      sha256: file.sha256,
      url: await urlOf(file),
    })),
  );
}

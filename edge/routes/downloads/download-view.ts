/** The task object of the downloads API: every key is always there, `""` and 0 for what is not known. */
import { type DownloadTask, qualityOf } from "../../../shared/contract/downloads.ts";
import type { ExtractedInfo, Telemetry } from "../../../shared/contract/media.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { sanitiseName } from "../../../shared/names.ts";
import { checkUrl, type UrlPolicy } from "../../../shared/url-guard.ts";
import type { TaskRow } from "../../db/downloads.ts";
import type { BatchRow } from "../../partition/batches.ts";
import { DOWNLOAD_SHARE } from "../../partition/states.ts";
import { downloadStatus } from "./download-status.ts";

const MB = 1_000_000;

export interface DownloadSource {
  row: TaskRow;
  /** What it is an item of, or the parent of. */
  batch: Pick<BatchRow, "kind" | "total"> | null;
  hasThumbnail: boolean;
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
}

export function downloadView(source: DownloadSource, policy: UrlPolicy): DownloadTask {
  const { row } = source;
  const options = JSON.parse(row.options) as JobOptions;
  const info = parseInfo(row);
  const status = downloadStatus(row);
  const busy = status === "downloading" || status === "processing";
  const filesize = row.file_size ?? info?.size_estimate ?? 0;
  return {
    id: row.id,
    url: row.url,
    title: row.title ?? "",
    thumbnail: source.hasThumbnail ? `/api/thumbnails/${row.id}` : (sourceThumbnail(row, policy) ?? ""),
    status,
    progress: Math.round((row.progress ?? 0) * 10) / 10,
    speed:
      status === "downloading" && source.speed_bytes_per_second !== null
        ? `${(source.speed_bytes_per_second / MB).toFixed(1)} MB/s`
        : "",
    eta: busy && source.eta_seconds !== null ? `${source.eta_seconds}s` : "",
    filesize,
    downloaded_bytes: Math.round(filesize * Math.min(1, (row.progress ?? 0) / DOWNLOAD_SHARE)),
    format_note: formatNote(row, options, info),
    ...playlistPlace(source),
    filename: status === "completed" ? downloadFilename(row, options) : "",
    quality: qualityOf(options.asked_resolution ?? options.max_resolution),
    download_type: options.audio_only ? "audio" : "video",
    error_message: status === "error" ? (row.error ?? "") : "",
    created_at: new Date(row.created_at).toISOString(),
    completed_at: status === "completed" && row.finished_at !== null ? new Date(row.finished_at).toISOString() : null,
  };
}

/** The source's own picture, unless a node named one that nobody may be sent to. */
export function sourceThumbnail(row: Pick<TaskRow, "source">, policy: UrlPolicy): string | null {
  const url = parseInfo(row)?.thumbnail_url ?? null;
  return url !== null && checkUrl(url, policy).ok ? url : null;
}

/** `Title__<uuid>.<ext>`: one path segment, and the id in it finds the job again. */
export function downloadFilename(row: Pick<TaskRow, "id" | "title">, options: JobOptions): string {
  return `${sanitiseName(row.title ?? "") || row.id}__${row.id}.${options.format}`;
}

const FILENAME = /__([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\.[a-z0-9]+$/;

/** The job that such a name belongs to, if it is one of ours. */
export function jobOfFilename(filename: string): string | null {
  return FILENAME.exec(filename)?.[1] ?? null;
}

function parseInfo(row: Pick<TaskRow, "source">): ExtractedInfo | null {
  return row.source === null ? null : (JSON.parse(row.source) as ExtractedInfo);
}

/** What was delivered; before that what the look at the source promises. */
function formatNote(row: TaskRow, options: JobOptions, info: ExtractedInfo | null): string {
  const telemetry = row.telemetry === null ? null : (JSON.parse(row.telemetry) as Telemetry);
  if (telemetry !== null && telemetry.actual_quality !== null) return telemetry.actual_quality;
  if (info === null) return "";
  if (options.audio_only) return "audio";
  return info.width === null || info.height === null ? "" : `${Math.min(info.width, info.height)}p`;
}

/** A parent is the playlist itself, so it has a size but no place in it. */
function playlistPlace({ row, batch }: DownloadSource) {
  if (batch === null || batch.kind === "bulk") return { is_playlist: false, playlist_index: 0, playlist_total: 1 };
  const index = row.role === "parent" ? 0 : (row.batch_index ?? 0) + 1;
  return { is_playlist: true, playlist_index: index, playlist_total: batch.total };
}

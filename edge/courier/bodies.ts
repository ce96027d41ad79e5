/** Bodies of webhooks, key by key in the documented order (jobs API 8.1). */
import type { FileRow } from "../partition/drain.ts";
import type { JobRow } from "../partition/job-row.ts";

/** The columns of a batch that its webhook tells of. */
export interface NoticeBatch {
  id: string;
  account_id: string;
  kind: string;
  source_url: string | null;
  folder: string | null;
  status: string;
  webhook_url: string | null;
  total: number;
  completed: number;
  /** `Failed` and `Warning`, cancelled ones included (jobs API 6.1). */
  failed: number;
  skipped: number;
  created_at: number;
  finished_at: number | null;
}

/** `s3Url`: signed for 24 h from the event; null when the file is out of reach. */
export function jobCompletedBody(job: JobRow, files: readonly Pick<FileRow, "kind" | "path">[], s3Url: string | null) {
  const pathOf = (kind: string) => files.find((file) => file.kind === kind)?.path ?? null;
  return {
    type: "job_completed",
    job_id: job.id,
    status: "completed",
    url: job.url,
    key: job.media_key ?? pathOf("media"),
    folder: job.folder,
    title: job.title,
    description: isSpotify(job.url) ? null : job.description,
    release_date: job.release_date,
    subtitle_key: pathOf("subtitle"),
    s3_url: s3Url,
    ...metadataOf(job),
  };
}

export function jobFailedBody(job: JobRow) {
  return {
    type: "job_failed",
    job_id: job.id,
    status: "failed",
    url: job.url,
    error: job.error ?? "",
    ...metadataOf(job),
  };
}

export function jobWarningBody(job: JobRow) {
  return {
    type: "job_warning",
    job_id: job.id,
    status: "warning",
    url: job.url,
    error: job.error ?? "",
    ...metadataOf(job),
  };
}

export function jobSkippedBody(job: JobRow) {
  return {
    type: "job_skipped",
    job_id: job.id,
    status: "skipped",
    url: job.url,
    reason: job.error ?? "",
    ...metadataOf(job),
  };
}

export function batchCompletedBody(batch: NoticeBatch) {
  return {
    type: "batch_completed",
    batch_id: batch.id,
    show_url: batch.source_url,
    folder: batch.folder,
    completed: batch.completed,
    failed: batch.failed,
    skipped: batch.skipped,
    total: batch.total,
    status: batch.status,
  };
}

export function progressBody(jobId: string, stage: string, percent: number) {
  return { type: "progress", job_id: jobId, stage, progress_percent: percent };
}

/** The client's own JSON: the last key, and only of a job that has some. */
function metadataOf(job: JobRow): { metadata?: unknown } {
  return job.metadata === null ? {} : { metadata: JSON.parse(job.metadata) as unknown };
}

function isSpotify(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  return host === "spotify.com" || host.endsWith(".spotify.com");
}

/**
 * The downloads API's reads of D1, and its one write: `hidden_at`. The drains carry every other column of a job, so that
 * one belongs to the Worker alone, and a later drain of the row leaves it as it is.
 */
import type { DownloadStatus } from "../../shared/contract/downloads.ts";
import type { BatchKind } from "../partition/batches.ts";
import type { JobRow } from "../partition/job-row.ts";

/** What a task object is made of. A thousand whole rows, with descriptions and sealed cookies, would be many megabytes. */
const TASK_COLUMNS = [
  "id",
  "url",
  "role",
  "state",
  "step",
  "options",
  "batch_index",
  "title",
  "error",
  "progress",
  "file_size",
  "telemetry",
  "created_at",
  "finished_at",
] as const satisfies readonly (keyof JobRow)[];

/** `source` comes without the description. */
export type TaskRow = Pick<JobRow, (typeof TASK_COLUMNS)[number] | "source">;

/** With what stands beside the job. */
export interface DownloadRow extends TaskRow {
  batch_kind: BatchKind | null;
  batch_total: number | null;
  /** 1: a thumbnail of its own lies in the store. */
  has_thumbnail: number;
}

const COLUMNS = [
  ...TASK_COLUMNS.map((column) => `jobs.${column}`),
  "json_remove(jobs.source, '$.description') AS source",
].join(", ");

/** What a list may be narrowed to here. How far a running job is, D1 does not know: `running` has both statuses of one. */
export type DownloadFilter = Exclude<DownloadStatus, "downloading" | "processing"> | "running";

/** By the jobs API's status first, which is what jobs_account_status is sorted by. */
const CONDITIONS: Record<DownloadFilter, string> = {
  pending: "jobs.status = 'Pending'",
  running: "jobs.status = 'Processing'",
  completed: "jobs.status = 'Completed'",
  error: "jobs.status IN ('Failed', 'Warning', 'Skipped') AND jobs.state <> 'cancelled'",
  cancelled: "jobs.status = 'Failed' AND jobs.state = 'cancelled'",
};

function visible(filter: DownloadFilter | null): string {
  const condition = filter === null ? "" : ` AND ${CONDITIONS[filter]}`;
  return `jobs.account_id = ?1 AND jobs.hidden_at IS NULL${condition}`;
}

/** Newest first. Uses jobs_account or jobs_account_status, and a primary key or files_job for each row. */
export async function listDownloads(
  db: D1Database,
  query: { account: string; filter: DownloadFilter | null; limit: number; offset: number },
): Promise<DownloadRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS}, batches.kind AS batch_kind, batches.total AS batch_total, EXISTS (
           SELECT 1 FROM files WHERE files.job_id = jobs.id AND files.kind = 'thumbnail' AND files.deleted_at IS NULL
         ) AS has_thumbnail
       FROM jobs LEFT JOIN batches ON batches.id = jobs.batch_id AND batches.account_id = jobs.account_id
       WHERE ${visible(query.filter)} ORDER BY jobs.id DESC LIMIT ?2 OFFSET ?3`,
    )
    .bind(query.account, query.limit, query.offset)
    .all<DownloadRow>();
  return results;
}

/** Finished downloads that are on a list, by the filter that asks for them: counters, which triggers of D1 keep equal to the rows. */
export type ListedCounts = Record<ListedFilter, number>;

/** Finished ones alone are counted: what goes on is in the partition's counters. */
type ListedFilter = Extract<DownloadFilter, "completed" | "error" | "cancelled">;

/** By primary key: three rows, however long the history is (decision 119). */
export async function listedCounts(db: D1Database, account: string): Promise<ListedCounts> {
  const { results } = await db
    .prepare("SELECT list, n FROM download_counts WHERE account_id = ?")
    .bind(account)
    .all<{ list: ListedFilter; n: number }>();
  return Object.assign({ completed: 0, error: 0, cancelled: 0 }, ...results.map(({ list, n }) => ({ [list]: n })));
}

/** By primary key. */
export async function isHidden(db: D1Database, account: string, id: string): Promise<boolean> {
  const row = await db
    .prepare("SELECT hidden_at FROM jobs WHERE id = ? AND account_id = ?")
    .bind(id, account)
    .first<{ hidden_at: number | null }>();
  return row !== null && row.hidden_at !== null;
}

/** Takes a finished job off this surface. False: D1 does not have the row yet. */
export async function hideJob(db: D1Database, account: string, id: string, now: number): Promise<boolean> {
  return (await hideJobs(db, account, [id], now)).length === 1;
}

/** The same for several, and for the library API's history too. Which of them D1 has as finished, hidden before or now. */
export async function hideJobs(
  db: D1Database,
  account: string,
  ids: readonly string[],
  now: number,
): Promise<string[]> {
  const { results } = await db
    .prepare(
      `UPDATE jobs SET hidden_at = coalesce(hidden_at, ?1)
       WHERE id IN (SELECT value FROM json_each(?2)) AND account_id = ?3 AND finished_at IS NOT NULL RETURNING id`,
    )
    .bind(now, JSON.stringify(ids), account)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

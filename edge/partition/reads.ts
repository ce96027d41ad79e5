/** Reads of a partition's tables, none of which changes anything. */
import type { FileRow } from "./drain.ts";
import type { EventRow, JobEventData } from "./events.ts";
import { DRAINED_COLUMNS, type JobRow, type LiveJob } from "./job-row.ts";
import { type ProgressBoard, progressEvent } from "./progress-board.ts";
import type { Sql } from "./sql.ts";

export interface AccountTotals {
  pending: number;
  processing: number;
  completed: number;
  failed: number;
  warning: number;
  skipped: number;
}

/** By primary key. */
export function readJob(
  sql: Sql,
  account: string,
  id: string,
): { row: JobRow; files: FileRow[]; nodeId: string | null } | null {
  const row = sql.get<JobRow & { node_id: string | null }>(
    `SELECT ${DRAINED_COLUMNS.join(", ")}, node_id FROM jobs WHERE id = ? AND account_id = ?`,
    id,
    account,
  );
  if (row === undefined) return null;
  const { node_id, ...job } = row;
  const files = sql.all<FileRow>("SELECT * FROM files WHERE job_id = ? ORDER BY file_id", id);
  return { row: job, files, nodeId: node_id };
}

export function readFile(sql: Sql, account: string, fileId: string): FileRow | null {
  return sql.get<FileRow>("SELECT * FROM files WHERE file_id = ? AND account_id = ?", fileId, account) ?? null;
}

/** Counters, not counts: one row, however long the history is. */
export function readAccountTotals(sql: Sql, account: string): AccountTotals {
  return (
    sql.get<AccountTotals>(
      "SELECT pending, processing, completed, failed, warning, skipped FROM accounts WHERE id = ?",
      account,
    ) ?? { pending: 0, processing: 0, completed: 0, failed: 0, warning: 0, skipped: 0 }
  );
}

// Uses event_account(account_id, id).
export function newestEventOf(sql: Sql, account: string): number | null {
  return (
    sql.get<{ id: number }>("SELECT id FROM events WHERE account_id = ? ORDER BY id DESC LIMIT 1", account)?.id ?? null
  );
}

/**
 * What a job's stream missed since an id: its kept events, and its newest progress if that is younger. Null when the log
 * no longer reaches back that far; the stream then sends a snapshot.
 */
export function resumeJob(
  sql: Sql,
  board: ProgressBoard,
  epoch: number,
  jobId: string,
  since: number,
  now: number,
): JobEventData[] | null {
  const job = sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", jobId);
  const oldest = sql.get<{ id: number; type: string }>(
    "SELECT id, type FROM events WHERE job_id = ? ORDER BY id LIMIT 1",
    jobId,
  );
  if (oldest === undefined || (oldest.type !== "job.created" && oldest.id > since)) return null;
  const rows = sql.all<EventRow>(
    "SELECT * FROM events WHERE job_id = ? AND id > ? AND data IS NOT NULL ORDER BY id",
    jobId,
    since,
  );
  const missed = rows.map((row) => JSON.parse(row.data ?? "{}") as JobEventData);
  const entry = job === undefined ? null : board.of(job, `${epoch}.${job.attempt}`);
  if (job !== undefined && entry !== null && entry.event_id > since) missed.push(progressEvent(job, entry, now));
  return missed.sort((a, b) => Number(a.id) - Number(b.id));
}

/** Reads of finished work from D1 (the read model). */
import type { FileRow } from "../partition/drain.ts";
import { DRAINED_COLUMNS, type JobRow } from "../partition/job-row.ts";
import { type JobListQuery, jobListStatement, LIST_COLUMNS } from "./job-list.ts";

const COLUMNS = DRAINED_COLUMNS.join(", ");

/** By primary key; null for another account's job too. */
export async function findJob(
  db: D1Database,
  account: string,
  id: string,
): Promise<{ row: JobRow; files: FileRow[] } | null> {
  const [jobs, files] = await db.batch([
    db.prepare(`SELECT ${COLUMNS} FROM jobs WHERE id = ? AND account_id = ?`).bind(id, account),
    db.prepare("SELECT * FROM files WHERE job_id = ? AND account_id = ? ORDER BY file_id").bind(id, account),
  ]);
  const row = jobs?.results[0] as JobRow | undefined;
  return row === undefined ? null : { row, files: (files?.results ?? []) as unknown as FileRow[] };
}

/** Newest first. */
export async function listJobs(db: D1Database, query: JobListQuery): Promise<JobRow[]> {
  const { sql, values } = jobListStatement(query);
  const { results } = await db
    .prepare(sql)
    .bind(...values)
    .all<JobRow>();
  return results;
}

/** How many of a batch's jobs have a status; for all other filters the partition's counters answer. */
export async function countBatchJobs(
  db: D1Database,
  account: string,
  batchId: string,
  status: string | null,
): Promise<number> {
  const row = await db
    .prepare(
      "SELECT count(*) AS n FROM jobs WHERE batch_id = ?1 AND account_id = ?2 AND role <> 'parent' AND (?3 IS NULL OR status = ?3)",
    )
    .bind(batchId, account, status)
    .first<{ n: number }>();
  return row?.n ?? 0;
}

export async function findFile(db: D1Database, account: string, fileId: string): Promise<FileRow | null> {
  return db.prepare("SELECT * FROM files WHERE file_id = ? AND account_id = ?").bind(fileId, account).first<FileRow>();
}

/** Where an account's live jobs are; null when it is gone or going. */
export async function partitionOf(db: D1Database, account: string): Promise<string | null> {
  const row = await db
    .prepare("SELECT partition FROM accounts WHERE id = ? AND state = 'active'")
    .bind(account)
    .first<{ partition: string }>();
  return row?.partition ?? null;
}

/** A batch's jobs in batch order. Uses jobs_batch(batch_id, batch_index). */
export async function listBatchJobs(
  db: D1Database,
  query: { account: string; batchId: string; status: string | null; limit: number; offset: number },
): Promise<JobRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${LIST_COLUMNS} FROM jobs WHERE batch_id = ?1 AND account_id = ?2 AND role <> 'parent' AND (?3 IS NULL OR status = ?3)
       ORDER BY batch_index, id LIMIT ?4 OFFSET ?5`,
    )
    .bind(query.batchId, query.account, query.status, query.limit, query.offset)
    .all<JobRow>();
  return results;
}

/** When the oldest attempt that still runs began, of one account or of all; null: none runs. Uses jobs_live(account_id, id). */
export async function oldestAttempt(db: D1Database, account: string | null): Promise<number | null> {
  const running = `SELECT min(started_at) AS at FROM jobs INDEXED BY jobs_live
    WHERE finished_at IS NULL AND state IN ('running', 'finishing')`;
  const statement = account === null ? db.prepare(running) : db.prepare(`${running} AND account_id = ?`).bind(account);
  return (await statement.first<{ at: number | null }>())?.at ?? null;
}

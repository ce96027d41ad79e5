/**
 * The steps by which a file goes (docs/decisions/028). `erase_at` is written before its bytes are touched and stays until
 * its name is free: whatever breaks off in between, the sweep finds the row and goes on.
 */
import type { FileRow } from "../partition/drain.ts";
import { MANAGED_TARGET } from "../partition/targets.ts";

/** Asks for these files to go, or repeats that. How many of them D1 has and has not seen go yet. By primary key. */
export async function askErasure(db: D1Database, fileIds: readonly string[], at: number): Promise<number> {
  const { results } = await db
    .prepare(
      `UPDATE files SET erase_at = coalesce(erase_at, ?1) WHERE file_id IN (SELECT value FROM json_each(?2))
         AND deleted_at IS NULL RETURNING file_id`,
    )
    .bind(at, JSON.stringify(fileIds))
    .all();
  return results.length;
}

/**
 * Asks for the managed files of jobs that ended before, whole jobs at a time: about `limit` files, and as many more as the
 * last job has. Uses files_age(created_at), files_job(job_id).
 */
export async function askExpired(db: D1Database, endedBefore: number, limit: number, at: number): Promise<void> {
  await db
    .prepare(
      `UPDATE files SET erase_at = ?1
       WHERE job_id IN (
         SELECT job_id FROM files INDEXED BY files_age
         WHERE created_at <= ?2 AND deleted_at IS NULL AND erase_at IS NULL AND target_id = '${MANAGED_TARGET}'
         ORDER BY created_at LIMIT ?3)
         AND deleted_at IS NULL AND erase_at IS NULL AND target_id = '${MANAGED_TARGET}'`,
    )
    .bind(at, endedBefore, limit)
    .run();
}

export interface FileToErase extends Pick<FileRow, "file_id" | "job_id" | "account_id" | "store_key" | "etag"> {
  /** Its bytes are gone already: only its name is left to be freed. */
  deleted_at: number | null;
}

/** Uses files_erase(erase_at). Files in storage of the accounts' own only once they are deleted: their names are ours to free. */
export async function filesToErase(db: D1Database, before: number, limit: number): Promise<FileToErase[]> {
  const { results } = await db
    .prepare(
      `SELECT file_id, job_id, account_id, store_key, etag, deleted_at FROM files INDEXED BY files_erase
       WHERE erase_at <= ?1 AND (target_id = 'managed' OR deleted_at IS NOT NULL) ORDER BY erase_at LIMIT ?2`,
    )
    .bind(before, limit)
    .all<FileToErase>();
  return results;
}

/** The store did not take these away: they are looked at again then. */
export async function postponeErasure(db: D1Database, fileIds: readonly string[], at: number): Promise<void> {
  await db
    .prepare("UPDATE files SET erase_at = ?1 WHERE file_id IN (SELECT value FROM json_each(?2))")
    .bind(at, JSON.stringify(fileIds))
    .run();
}

/** The files are gone from their store. Never cleared again. */
export async function markFilesDeleted(db: D1Database, fileIds: readonly string[], now: number): Promise<void> {
  await db
    .prepare(
      "UPDATE files SET deleted_at = coalesce(deleted_at, ?1) WHERE file_id IN (SELECT value FROM json_each(?2))",
    )
    .bind(now, JSON.stringify(fileIds))
    .run();
}

export interface ErasedJob {
  job: string;
  account: string;
  /** Null: the account is gone, and with it whatever held names. */
  partition: string | null;
  /** 1: it has no other file left, and its names may be freed. */
  whole: number;
}

/** The jobs that have these files. Uses files_job(job_id). */
export async function erasedJobs(db: D1Database, fileIds: readonly string[]): Promise<ErasedJob[]> {
  const { results } = await db
    .prepare(
      `SELECT DISTINCT f.job_id AS job, f.account_id AS account, a.partition,
         NOT EXISTS (SELECT 1 FROM files o WHERE o.job_id = f.job_id AND o.deleted_at IS NULL) AS whole
       FROM files f LEFT JOIN accounts a ON a.id = f.account_id
       WHERE f.file_id IN (SELECT value FROM json_each(?1))`,
    )
    .bind(JSON.stringify(fileIds))
    .all<ErasedJob>();
  return results;
}

/** Nothing is left to be done for these jobs' files. Uses files_job(job_id). */
export async function endErasure(db: D1Database, jobs: readonly string[]): Promise<void> {
  await db
    .prepare(
      "UPDATE files SET erase_at = NULL WHERE job_id IN (SELECT value FROM json_each(?1)) AND deleted_at IS NOT NULL",
    )
    .bind(JSON.stringify(jobs))
    .run();
}

/** Whether a deletion of this file has begun. By primary key. */
export async function isErasing(db: D1Database, fileId: string): Promise<boolean> {
  const row = await db
    .prepare("SELECT 1 AS x FROM files WHERE file_id = ? AND erase_at IS NOT NULL AND deleted_at IS NULL")
    .bind(fileId)
    .first();
  return row !== null;
}

/** A job of whatever account, for the operator. */
import type { FileRow } from "../partition/drain.ts";
import type { AttemptRow } from "../partition/events.ts";
import { DRAINED_COLUMNS, type JobRow } from "../partition/job-row.ts";

/** By primary key. `partition` is null when the account is gone. */
export async function whereIsJob(
  db: D1Database,
  id: string,
): Promise<{ account: string; partition: string | null } | null> {
  return db
    .prepare(
      "SELECT j.account_id AS account, a.partition FROM jobs j LEFT JOIN accounts a ON a.id = j.account_id WHERE j.id = ?",
    )
    .bind(id)
    .first<{ account: string; partition: string | null }>();
}

export interface JobHistory {
  row: JobRow;
  attempts: AttemptRow[];
  files: FileRow[];
}

/** By primary key, the prefix of the attempts' primary key, and files_job(job_id). */
export async function readHistory(db: D1Database, id: string): Promise<JobHistory | null> {
  const [jobs, attempts, files] = await db.batch([
    db.prepare(`SELECT ${DRAINED_COLUMNS.join(", ")} FROM jobs WHERE id = ?`).bind(id),
    db.prepare("SELECT * FROM attempts WHERE job_id = ? ORDER BY epoch, attempt").bind(id),
    db.prepare("SELECT * FROM files WHERE job_id = ? ORDER BY file_id").bind(id),
  ]);
  const row = jobs?.results[0] as JobRow | undefined;
  if (row === undefined) return null;
  return {
    row,
    attempts: (attempts?.results ?? []) as unknown as AttemptRow[],
    files: (files?.results ?? []) as unknown as FileRow[],
  };
}

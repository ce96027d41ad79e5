/** A parent that completed shows its first child's files as its own (jobs API 3.4). */
import type { FileRow } from "../partition/drain.ts";
import type { Database } from "./database.ts";

/** Uses jobs_batch(batch_id, batch_index). */
export async function firstChild(db: Database, account: string, batchId: string): Promise<string | null> {
  const row = await db
    .prepare(
      "SELECT id FROM jobs WHERE batch_id = ? AND account_id = ? AND role <> 'parent' ORDER BY batch_index LIMIT 1",
    )
    .bind(batchId, account)
    .first<{ id: string }>();
  return row?.id ?? null;
}

/** Uses files_job(job_id). */
export async function filesOf(db: Database, account: string, jobId: string): Promise<FileRow[]> {
  const { results } = await db
    .prepare("SELECT * FROM files WHERE job_id = ? AND account_id = ? ORDER BY file_id")
    .bind(jobId, account)
    .all<FileRow>();
  return results;
}

/**
 * Records of finished work, and how they go (docs/decisions/028): a job with its attempts, deliveries and file rows; a batch
 * as one record with all of its jobs.
 */
import { MANAGED_TARGET } from "../partition/targets.ts";
import type { Walk } from "./sweeps.ts";

/** A job that is over, and what it takes to let go of it. */
export interface EndedJob {
  id: string;
  account_id: string;
  /** Null: the account is gone. */
  partition: string | null;
}

interface Looked {
  finished_at: number;
  /** 1: something still needs it. */
  needed: number;
}

export type LookedJob = EndedJob & Looked;

export interface LookedBatch extends Looked {
  id: string;
  account_id: string;
  partition: string | null;
}

/** Its bytes are in our storage, or its name is still to be freed. */
const HAS_FILES = `f.target_id = '${MANAGED_TARGET}' AND (f.deleted_at IS NULL OR f.erase_at IS NOT NULL)`;

/**
 * A page of finished jobs in the order of their ends. Needed are: those with managed files, those with a webhook under way,
 * members of a batch that is there, and ends that the account's counters in D1 do not include yet, as a rebuild counts
 * them by their rows. Uses jobs_finished(finished_at, id); for each row primary keys, files_job and deliveries_job.
 */
export async function endedJobs(
  db: D1Database,
  before: number,
  { after_time, after_id }: Walk,
  limit: number,
): Promise<LookedJob[]> {
  const { results } = await db
    .prepare(
      `SELECT j.id, j.account_id, j.finished_at, a.partition,
         (j.batch_id IS NOT NULL AND EXISTS (SELECT 1 FROM batches b WHERE b.id = j.batch_id))
         OR EXISTS (SELECT 1 FROM files f WHERE f.job_id = j.id AND ${HAS_FILES})
         OR EXISTS (SELECT 1 FROM deliveries d WHERE d.job_id = j.id AND d.status = 'pending')
         OR (a.id IS NOT NULL AND coalesce(u.event, 0) < j.terminal_event_id) AS needed
       FROM jobs j INDEXED BY jobs_finished LEFT JOIN accounts a ON a.id = j.account_id
       LEFT JOIN usage u ON u.account_id = j.account_id
       WHERE j.finished_at IS NOT NULL AND j.finished_at <= ?1 AND (j.finished_at, j.id) > (?2, ?3)
       ORDER BY j.finished_at, j.id LIMIT ?4`,
    )
    .bind(before, after_time, after_id, limit)
    .all<LookedJob>();
  return results;
}

/**
 * As {@link endedJobs}, of batches: one is needed as long as any of its jobs is. Uses batches_finished(finished_at, id) and,
 * for each batch, jobs_batch(batch_id, batch_index).
 */
export async function endedBatches(
  db: D1Database,
  before: number,
  { after_time, after_id }: Walk,
  limit: number,
): Promise<LookedBatch[]> {
  const { results } = await db
    .prepare(
      `SELECT b.id, b.account_id, b.finished_at, a.partition,
         EXISTS (SELECT 1 FROM jobs j JOIN files f ON f.job_id = j.id WHERE j.batch_id = b.id AND ${HAS_FILES})
         OR EXISTS (SELECT 1 FROM jobs j JOIN deliveries d ON d.job_id = j.id WHERE j.batch_id = b.id AND d.status = 'pending')
         OR EXISTS (SELECT 1 FROM deliveries d WHERE d.batch_id = b.id AND d.job_id IS NULL AND d.status = 'pending')
         OR (a.id IS NOT NULL AND coalesce(u.event, 0) < b.terminal_event_id) AS needed
       FROM batches b INDEXED BY batches_finished LEFT JOIN accounts a ON a.id = b.account_id
       LEFT JOIN usage u ON u.account_id = b.account_id
       WHERE b.finished_at IS NOT NULL AND b.finished_at <= ?1 AND (b.finished_at, b.id) > (?2, ?3)
       ORDER BY b.finished_at, b.id LIMIT ?4`,
    )
    .bind(before, after_time, after_id, limit)
    .all<LookedBatch>();
  return results;
}

/** Jobs of a batch, its parent first: a parent shows its first child's files as its own. Uses jobs_batch. */
export async function jobsOfBatch(db: D1Database, batch: LookedBatch, limit: number): Promise<EndedJob[]> {
  const { results } = await db
    .prepare("SELECT id FROM jobs WHERE batch_id = ? ORDER BY role = 'parent' DESC, batch_index LIMIT ?")
    .bind(batch.id, limit)
    .all<{ id: string }>();
  return results.map(({ id }) => ({ id, account_id: batch.account_id, partition: batch.partition }));
}

/** The batch goes before its jobs: a batch that is there has all of them. */
export async function deleteBatch(db: D1Database, id: string): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM deliveries WHERE batch_id = ? AND job_id IS NULL").bind(id),
    db.prepare("DELETE FROM batches WHERE id = ?").bind(id),
  ]);
}

/** How many jobs were there. All of it or nothing, so that none is counted twice. By primary keys and the indexes by job. */
export async function deleteJobs(db: D1Database, ids: readonly string[]): Promise<number> {
  const list = JSON.stringify(ids);
  const of = (statement: string) => db.prepare(statement).bind(list);
  const results = await db.batch([
    of(
      `INSERT INTO gone_records (account_id, completed, failed, warning, skipped)
       SELECT j.account_id, sum(j.status = 'Completed'), sum(j.status = 'Failed'), sum(j.status = 'Warning'),
         sum(j.status = 'Skipped')
       FROM jobs j JOIN accounts a ON a.id = j.account_id WHERE j.id IN (SELECT value FROM json_each(?1))
       GROUP BY j.account_id
       ON CONFLICT (account_id) DO UPDATE SET completed = completed + excluded.completed,
         failed = failed + excluded.failed, warning = warning + excluded.warning, skipped = skipped + excluded.skipped`,
    ),
    of("DELETE FROM attempts WHERE job_id IN (SELECT value FROM json_each(?1))"),
    of("DELETE FROM deliveries WHERE job_id IN (SELECT value FROM json_each(?1))"),
    of("DELETE FROM files WHERE job_id IN (SELECT value FROM json_each(?1))"),
    of("DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?1)) RETURNING id"),
  ]);
  return results.at(-1)?.results.length ?? 0;
}

/** Jobs of an account whose records went, by status. */
export interface GoneRecords {
  completed: number;
  failed: number;
  warning: number;
  skipped: number;
}

/** By primary key. */
export async function goneRecords(db: D1Database, account: string): Promise<GoneRecords> {
  const row = await db
    .prepare("SELECT completed, failed, warning, skipped FROM gone_records WHERE account_id = ?")
    .bind(account)
    .first<GoneRecords>();
  return row ?? { completed: 0, failed: 0, warning: 0, skipped: 0 };
}

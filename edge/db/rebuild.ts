/** The birth rule (DESIGN section 2): what a partition with empty storage asks of D1 before it answers anything. */
import { BATCH_COLUMNS, type BatchRow } from "../partition/batches.ts";
import type { AccountFacts } from "../partition/create.ts";
import type { FileRow, IdempotencyRow, UsageRow } from "../partition/drain.ts";
import { DRAINED_COLUMNS, type JobRow } from "../partition/job-row.ts";
import type { NodeStanding } from "../partition/node-orders.ts";
import type { TargetRow } from "../partition/targets.ts";
import { ACCOUNT_STORAGE } from "./account-storage.ts";
import type { Database } from "./database.ts";
import type { Generation } from "./generation.ts";
import { STANDING_COLUMNS, type StandingRow, toStanding } from "./node-faults.ts";

/** Rows read at once. */
const PAGE_ROWS = 500;
/** Answers of creates may be large. */
const ANSWERS_PAGE_ROWS = 50;

const JOB_COLUMNS = DRAINED_COLUMNS.join(", ");

/** Claims the next generation of a partition's storage. Epoch 1: it never lived before. From here on the old one is fenced. */
export async function claimEpoch(db: Database, name: string, now: number): Promise<Generation> {
  const row = await db
    .prepare(
      `INSERT INTO partitions (name, epoch, claimed_at) VALUES (?1, 1, ?2)
       ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1, claimed_at = ?2
       RETURNING name AS partition, epoch, d1_event, stream_event, courier_event`,
    )
    .bind(name, now)
    .first<Generation>();
  if (row === null) throw new Error("D1 gave no epoch");
  return row;
}

export type AccountToRebuild = AccountFacts & Omit<UsageRow, "account_id"> & { paused: number };

export async function accountsOf(db: Database, partition: string): Promise<AccountToRebuild[]> {
  const { results } = await db
    .prepare(
      `SELECT a.id, a.pool, a.limits, a.store_prefix, a.paused, ${ACCOUNT_STORAGE} AS storage, coalesce(u.version, 0) AS version,
         coalesce(u.usage_count, 0) AS usage_count, coalesce(u.bytes_used, 0) AS bytes_used, 0 AS bytes_reserved,
         0 AS jobs_pending, 0 AS jobs_processing, coalesce(u.jobs_completed, 0) AS jobs_completed,
         coalesce(u.jobs_failed, 0) AS jobs_failed, coalesce(u.jobs_warning, 0) AS jobs_warning,
         coalesce(u.jobs_skipped, 0) AS jobs_skipped, coalesce(u.event, 0) AS event
       FROM accounts a LEFT JOIN usage u ON u.account_id = a.id WHERE a.partition = ?`,
    )
    .bind(partition)
    .all<AccountToRebuild>();
  return results;
}

/** Keys that may have limits on how much runs or waits. Uses api_keys_account(account_id, created_at). */
export async function limitedKeysOf(db: Database, account: string): Promise<{ id: string; limits: string }[]> {
  const { results } = await db
    .prepare("SELECT id, limits FROM api_keys WHERE account_id = ? AND limits <> '{}' AND revoked_at IS NULL")
    .bind(account)
    .all<{ id: string; limits: string }>();
  return results;
}

/**
 * Unfinished jobs of an account, a page at a time. Uses jobs_live(account_id, id); the planner would take jobs_account,
 * and read the whole history for it.
 */
export async function liveJobsAfter(db: Database, account: string, after: string): Promise<JobRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${JOB_COLUMNS} FROM jobs INDEXED BY jobs_live WHERE account_id = ? AND finished_at IS NULL AND id > ?
       ORDER BY id LIMIT ${PAGE_ROWS}`,
    )
    .bind(account, after)
    .all<JobRow>();
  return results;
}

/** Jobs that ended after an event, in that order. Uses jobs_ended(account_id, terminal_event_id). */
export async function jobsEndedAfter(db: Database, account: string, event: number): Promise<JobRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${JOB_COLUMNS} FROM jobs INDEXED BY jobs_ended WHERE account_id = ? AND terminal_event_id > ?
       ORDER BY terminal_event_id LIMIT ${PAGE_ROWS}`,
    )
    .bind(account, event)
    .all<JobRow>();
  return results;
}

/** Uses files_job(job_id). */
export async function filesOfJobs(db: Database, jobs: readonly JobRow[]): Promise<FileRow[]> {
  const { results } = await db
    .prepare("SELECT * FROM files WHERE job_id IN (SELECT value FROM json_each(?)) ORDER BY file_id")
    .bind(JSON.stringify(jobs.map((job) => job.id)))
    .all<FileRow>();
  return results;
}

/** A batch with its members counted: its own counters may be newer than the rows of its members that D1 has. */
export interface CountedBatch extends BatchRow {
  held: number;
}

/**
 * Batches that go on, and those that ended after an event. Uses batches_live, batches_ended and, per batch,
 * jobs_batch(batch_id, batch_index).
 */
export async function batchesSince(db: Database, account: string, event: number): Promise<CountedBatch[]> {
  const columns = BATCH_COLUMNS.map((column) => `b.${column}`);
  const { results } = await db
    .prepare(
      `SELECT ${columns.filter((column) => !COUNTED.includes(column)).join(", ")}, 0 AS processing,
         coalesce(sum(j.status = 'Completed'), 0) AS completed,
         coalesce(sum(j.status IN ('Failed', 'Warning')), 0) AS failed,
         coalesce(sum(j.status = 'Skipped'), 0) AS skipped,
         coalesce(sum(j.state = 'cancelled'), 0) AS cancelled,
         coalesce(sum(j.state = 'held'), 0) AS held
       FROM (SELECT * FROM batches INDEXED BY batches_live WHERE account_id = ?1 AND finished_at IS NULL
             UNION ALL
             SELECT * FROM batches INDEXED BY batches_ended WHERE account_id = ?1 AND terminal_event_id > ?2) b
       LEFT JOIN jobs j ON j.batch_id = b.id AND j.role <> 'parent' GROUP BY b.id`,
    )
    .bind(account, event)
    .all<CountedBatch>();
  return results;
}

const COUNTED = ["b.processing", "b.completed", "b.failed", "b.skipped", "b.cancelled"];

/** Targets of an account's unfinished jobs, for a partition that is rebuilt. Uses jobs_live(account_id, id). */
export async function liveTargetsOf(db: Database, account: string): Promise<TargetRow[]> {
  const { results } = await db
    .prepare(
      `SELECT t.id, t.provider, t.endpoint, t.bucket, t.region, t.folder_prefix, t.base_folder, c.sealed
       FROM targets t LEFT JOIN target_credentials c ON c.target_id = t.id
       WHERE t.id IN (SELECT target_id FROM jobs INDEXED BY jobs_live WHERE account_id = ? AND finished_at IS NULL)`,
    )
    .bind(account)
    .all<TargetRow>();
  return results;
}

/** Files that still hold their names; a path is there once a target. Uses files_account_path(account_id, path). */
export async function filesAfter(
  db: Database,
  account: string,
  after: Pick<FileRow, "path" | "file_id">,
): Promise<FileRow[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM files WHERE account_id = ?1 AND path >= ?2 AND (path > ?2 OR file_id > ?3) AND deleted_at IS NULL
       ORDER BY path, file_id LIMIT ${PAGE_ROWS}`,
    )
    .bind(account, after.path, after.file_id)
    .all<FileRow>();
  return results;
}

/** First answers of an account's idempotency keys that still count. By primary key. */
export async function answersAfter(
  db: Database,
  account: string,
  after: Pick<IdempotencyRow, "key_id" | "key">,
  since: number,
): Promise<IdempotencyRow[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM idempotency WHERE account_id = ? AND (key_id, key) > (?, ?) AND began_at > ?
       ORDER BY key_id, key LIMIT ${ANSWERS_PAGE_ROWS}`,
    )
    .bind(account, after.key_id, after.key, since)
    .all<IdempotencyRow>();
  return results;
}

/** Nodes of which a partition must know something. One that was removed longer ago has no session key that still works. */
export async function nodeOrders(
  db: Database,
  removedSince: number,
): Promise<{ standings: NodeStanding[]; removed: string[] }> {
  const { results } = await db
    .prepare(
      `SELECT ${STANDING_COLUMNS}, revoked_at FROM nodes WHERE CASE WHEN revoked_at IS NULL
         THEN drained_at IS NOT NULL OR quarantine IS NOT NULL OR faults > 0 ELSE revoked_at >= ? END`,
    )
    .bind(removedSince)
    .all<StandingRow & { revoked_at: number | null }>();
  return {
    standings: results.filter((node) => node.revoked_at === null).map(toStanding),
    removed: results.filter((node) => node.revoked_at !== null).map((node) => node.id),
  };
}

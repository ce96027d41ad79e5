/** The birth rule (DESIGN section 2): what a partition with empty storage asks of D1 before it answers anything. */
import { BATCH_COLUMNS, type BatchRow } from "../partition/batches.ts";
import type { AccountFacts } from "../partition/create.ts";
import type { FileRow, UsageRow } from "../partition/drain.ts";
import { DRAINED_COLUMNS, type JobRow } from "../partition/job-row.ts";
import type { TargetRow } from "../partition/targets.ts";
import { ACCOUNT_STORAGE } from "./account-storage.ts";
import type { Database } from "./database.ts";

/** Rows read at once. */
const PAGE_ROWS = 500;

/** Claims the next generation of a partition's storage. 1: it never lived before. */
export async function claimEpoch(db: Database, name: string, now: number): Promise<number> {
  const row = await db
    .prepare(
      `INSERT INTO partitions (name, epoch, claimed_at) VALUES (?1, 1, ?2)
       ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1, claimed_at = ?2 RETURNING epoch`,
    )
    .bind(name, now)
    .first<{ epoch: number }>();
  if (row === null) throw new Error("D1 gave no epoch");
  return row.epoch;
}

export type AccountToRebuild = AccountFacts & Omit<UsageRow, "account_id">;

export async function accountsOf(db: Database, partition: string): Promise<AccountToRebuild[]> {
  const { results } = await db
    .prepare(
      `SELECT a.id, a.pool, a.limits, a.store_prefix, ${ACCOUNT_STORAGE} AS storage, coalesce(u.version, 0) AS version, coalesce(u.usage_count, 0) AS usage_count,
         coalesce(u.bytes_used, 0) AS bytes_used, coalesce(u.bytes_reserved, 0) AS bytes_reserved,
         0 AS jobs_pending, 0 AS jobs_processing, coalesce(u.jobs_completed, 0) AS jobs_completed,
         coalesce(u.jobs_failed, 0) AS jobs_failed, coalesce(u.jobs_warning, 0) AS jobs_warning,
         coalesce(u.jobs_skipped, 0) AS jobs_skipped
       FROM accounts a LEFT JOIN usage u ON u.account_id = a.id WHERE a.partition = ?`,
    )
    .bind(partition)
    .all<AccountToRebuild>();
  return results;
}

/**
 * Unfinished jobs of an account, a page at a time. Uses jobs_live(account_id, id); the planner would take jobs_account,
 * and read the whole history for it.
 */
export async function liveJobsAfter(db: Database, account: string, after: string): Promise<JobRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${DRAINED_COLUMNS.join(", ")} FROM jobs INDEXED BY jobs_live WHERE account_id = ? AND finished_at IS NULL AND id > ?
       ORDER BY id LIMIT ${PAGE_ROWS}`,
    )
    .bind(account, after)
    .all<JobRow>();
  return results;
}

/** Batches that are not over. Uses batches_account(account_id, id DESC). */
export async function liveBatchesOf(db: Database, account: string): Promise<BatchRow[]> {
  const { results } = await db
    .prepare(`SELECT ${BATCH_COLUMNS.join(", ")} FROM batches WHERE account_id = ? AND finished_at IS NULL`)
    .bind(account)
    .all<BatchRow>();
  return results;
}

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

/** Nodes under an order of the operator. A node that was removed longer ago has no session key that still works. */
export async function nodeOrders(
  db: Database,
  removedSince: number,
): Promise<{ drained: string[]; removed: string[] }> {
  const { results } = await db
    .prepare(
      `SELECT id, revoked_at FROM nodes
       WHERE (drained_at IS NOT NULL AND revoked_at IS NULL) OR (revoked_at IS NOT NULL AND revoked_at >= ?)`,
    )
    .bind(removedSince)
    .all<{ id: string; revoked_at: number | null }>();
  return {
    drained: results.filter((node) => node.revoked_at === null).map((node) => node.id),
    removed: results.filter((node) => node.revoked_at !== null).map((node) => node.id),
  };
}

/** Batches in D1. */
import { BATCH_COLUMNS, type BatchRow } from "../partition/batches.ts";

const COLUMNS = BATCH_COLUMNS.join(", ");

/** By primary key; null for another account's batch too. */
export async function findBatch(db: D1Database, account: string, id: string): Promise<BatchRow | null> {
  return db
    .prepare(`SELECT ${COLUMNS} FROM batches WHERE id = ? AND account_id = ?`)
    .bind(id, account)
    .first<BatchRow>();
}

/** Ids of a batch's jobs in batch order, without its parent. Uses jobs_batch(batch_id, batch_index). */
export async function batchJobIds(db: D1Database, account: string, id: string): Promise<string[]> {
  const { results } = await db
    .prepare("SELECT id FROM jobs WHERE batch_id = ? AND account_id = ? AND role <> 'parent' ORDER BY batch_index, id")
    .bind(id, account)
    .all<{ id: string }>();
  return results.map((row) => row.id);
}

/** Newest first. Uses batches_account(account_id, id DESC). */
export async function listBatches(db: D1Database, account: string, limit: number, offset: number): Promise<BatchRow[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM batches WHERE account_id = ? ORDER BY id DESC LIMIT ? OFFSET ?`)
    .bind(account, limit, offset)
    .all<BatchRow>();
  return results;
}

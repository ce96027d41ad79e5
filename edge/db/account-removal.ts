/** The steps of an account's removal in D1. Each may be repeated: the sweep goes on where a removal broke off. */
import type { FileRow } from "../partition/drain.ts";
import { MANAGED_TARGET } from "../partition/targets.ts";
import { signInId } from "./accounts.ts";

export interface BegunRemoval {
  partition: string;
  /** Of its keys, and of its own name and password. */
  keys: string[];
  nodes: string[];
}

/**
 * From here on the account is unknown to every read of its kind: its keys, file URLs, enrolments and own nodes are void.
 * Null: there is no such account.
 */
export async function beginRemoval(db: D1Database, id: string, now: number): Promise<BegunRemoval | null> {
  const [account, keys, nodes] = await db.batch<{ id: string; partition: string; sign_in: string }>([
    db
      .prepare(
        `UPDATE accounts SET state = 'deleting', username = NULL, password_hash = NULL WHERE id = ?
         RETURNING id, partition, ${signInId("accounts")} AS sign_in`,
      )
      .bind(id),
    db
      .prepare("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE account_id = ? RETURNING id")
      .bind(now, id),
    db.prepare("UPDATE nodes SET revoked_at = coalesce(revoked_at, ?) WHERE account_id = ? RETURNING id").bind(now, id),
    db.prepare("UPDATE enrolments SET uses_left = 0 WHERE account_id = ?").bind(id),
  ]);
  const row = account?.results[0];
  if (row === undefined) return null;
  const ids = (rows: { id: string }[] | undefined) => (rows ?? []).map((each) => each.id);
  return { partition: row.partition, keys: [...ids(keys?.results), row.sign_in], nodes: ids(nodes?.results) };
}

export async function accountsToRemove(db: D1Database, limit: number): Promise<string[]> {
  const { results } = await db
    .prepare("SELECT id FROM accounts WHERE state = 'deleting' ORDER BY id LIMIT ?")
    .bind(limit)
    .all<{ id: string }>();
  return results.map((row) => row.id);
}

/** Managed files that are still there. Uses files_account_path(account_id, path). */
export async function filesToRemove(
  db: D1Database,
  account: string,
  limit: number,
): Promise<Pick<FileRow, "file_id" | "store_key" | "etag">[]> {
  const { results } = await db
    .prepare(
      `SELECT file_id, store_key, etag FROM files WHERE account_id = ? AND deleted_at IS NULL AND target_id = '${MANAGED_TARGET}'
       ORDER BY path LIMIT ?`,
    )
    .bind(account, limit)
    .all<Pick<FileRow, "file_id" | "store_key" | "etag">>();
  return results;
}

/** Every table that refers to `accounts`, in an order that its foreign keys allow. */
export const OWNED_TABLES = [
  "targets",
  "endpoints",
  "api_keys",
  "nodes",
  "enrolments",
  "browser_sessions",
  "library_features",
  "library_ids",
  "archives",
  "library_answers",
  "ytdlp_options",
] as const;

/** The end of the account. Records of its jobs stay as long as those of any other (`TRAWL_HISTORY_DAYS`). */
export async function endRemoval(db: D1Database, id: string): Promise<void> {
  await db.batch([
    db
      .prepare("DELETE FROM target_credentials WHERE target_id IN (SELECT id FROM targets WHERE account_id = ?)")
      .bind(id),
    ...OWNED_TABLES.map((table) => db.prepare(`DELETE FROM ${table} WHERE account_id = ?`).bind(id)),
    db.prepare("DELETE FROM usage WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM idempotency WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM gone_records WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM download_counts WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM library_counts WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM tree WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM zip_tokens WHERE account_id = ?").bind(id),
    db.prepare("DELETE FROM accounts WHERE id = ? AND state = 'deleting'").bind(id),
  ]);
}

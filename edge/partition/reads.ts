/** Reads of a partition's tables, none of which changes anything. */
import { BATCH_COLUMNS, type BatchRow } from "./batches.ts";
import type { FileRow } from "./drain.ts";
import { DRAINED_COLUMNS, type JobRow } from "./job-row.ts";
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

export interface AccountUsage {
  usage_count: number;
  bytes_used: number;
  bytes_reserved: number;
}

export function readAccountUsage(sql: Sql, account: string): AccountUsage {
  return (
    sql.get<AccountUsage>("SELECT usage_count, bytes_used, bytes_reserved FROM accounts WHERE id = ?", account) ?? {
      usage_count: 0,
      bytes_used: 0,
      bytes_reserved: 0,
    }
  );
}

/** By primary key; null for another account's batch too. */
export function readBatch(sql: Sql, account: string, id: string): BatchRow | null {
  return (
    sql.get<BatchRow>(`SELECT ${BATCH_COLUMNS.join(", ")} FROM batches WHERE id = ? AND account_id = ?`, id, account) ??
    null
  );
}

// Uses event_account(account_id, id).
export function newestEventOf(sql: Sql, account: string): number | null {
  return (
    sql.get<{ id: number }>("SELECT id FROM events WHERE account_id = ? ORDER BY id DESC LIMIT 1", account)?.id ?? null
  );
}

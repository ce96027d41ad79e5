/** Where the files of live jobs go, as far as it is not managed storage. Rows are immutable; the newest copy is D1's. */
import type { ObjectStore } from "../storage/port.ts";
import { rootFolder, type StoragePlace } from "../storage/storage-place.ts";
import type { Sql } from "./sql.ts";
import type { Turn } from "./turn.ts";

/** Target id of files in the operator's own (managed) storage. */
export const MANAGED_TARGET = "managed";
/** Base folder of managed storage. */
export const MANAGED_ROOT = "videos";

export interface TargetRow extends StoragePlace {
  id: string;
  /** Credentials of an account's configuration; null for inline storage, whose credentials are sealed to its jobs. */
  sealed: string | null;
}

/** What it takes to open the store of some files. */
export interface StoreRef {
  account: string;
  targetId: string;
  /** The job's sealed record, which holds the credentials of inline storage. */
  sealed: string | null;
}

/** @throws StoreError when the target or its credentials are gone; SecretBoxError when they do not open */
export type OpenStore = (ref: StoreRef) => Promise<ObjectStore>;

const COLUMNS = ["id", "provider", "endpoint", "bucket", "region", "folder_prefix", "base_folder", "sealed"] as const;

export function putTarget(turn: Turn, target: TargetRow): void {
  turn.sql.run(
    `INSERT INTO targets (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")}) ON CONFLICT (id) DO NOTHING`,
    ...COLUMNS.map((column) => target[column]),
  );
}

/** By primary key. */
export function getTarget(sql: Sql, id: string): TargetRow | undefined {
  return sql.get<TargetRow>("SELECT * FROM targets WHERE id = ?", id);
}

/** The account's current storage, for its new jobs: its id, once the row is here. */
export function currentTarget(turn: Turn, account: string): string {
  const row = turn.sql.get<{ storage: string | null }>("SELECT storage FROM accounts WHERE id = ?", account);
  if (row === undefined || row.storage === null) return MANAGED_TARGET;
  const target = JSON.parse(row.storage) as TargetRow;
  putTarget(turn, target);
  return target.id;
}

/** What the logical keys of a job's files begin with (jobs API 11.1). */
export function rootOf(turn: Turn, targetId: string): string {
  const target = targetId === MANAGED_TARGET ? undefined : getTarget(turn.sql, targetId);
  return target === undefined ? MANAGED_ROOT : rootFolder(target);
}

/** Credentials go with the last job that needs them. Uses job_target and upload_target(target_id). */
export function forgetIdleTargets(sql: Sql, ids: Iterable<string>): void {
  for (const id of ids) {
    if (id === MANAGED_TARGET) continue;
    sql.run(
      `DELETE FROM targets WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM jobs WHERE target_id = ?1 AND target_id <> '${MANAGED_TARGET}')
         AND NOT EXISTS (SELECT 1 FROM uploads WHERE target_id = ?1 AND target_id <> '${MANAGED_TARGET}')`,
      id,
    );
  }
}

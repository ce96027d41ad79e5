/** Where accounts want their files: immutable rows; the credentials, sealed, are rows of their own (jobs API 9.2). */
import type { Provider, Storage } from "../../shared/contract/storage.ts";
import type { SecretBox } from "../auth/secret-box.ts";
import type { TargetRow } from "../partition/targets.ts";
import { maskedKey, placeOf, type StoragePlace } from "../storage/storage-place.ts";

export const TARGET_PURPOSE = "target-credentials";
/** Jobs that were accepted keep their target: after so long it is looked whether any of them is left. */
const FORGET_AFTER_MS = 60 * 60_000;

/** Which route set it. */
export type TargetSource = "keyvault" | "legacy";

/** Seals what {@link openTargetStorage} opens. */
function sealTargetStorage(box: SecretBox, account: string, storage: Storage): Promise<string> {
  return box.seal(JSON.stringify(storage), { account, purpose: TARGET_PURPOSE });
}

export async function openTargetStorage(box: SecretBox, account: string, sealed: string): Promise<Storage> {
  return JSON.parse(await box.open(sealed, { account, purpose: TARGET_PURPOSE })) as Storage;
}

/** Makes this the account's storage, in place of another; in one transaction. */
export async function putAccountStorage(
  db: D1Database,
  box: SecretBox,
  account: string,
  target: { id: string; storage: Storage; source: TargetSource },
  now: number,
): Promise<void> {
  const { id, storage, source } = target;
  await db.batch([
    forgetActive(db, account, now),
    insert(db, id, account, placeOf(storage), source, now),
    db
      .prepare("INSERT INTO target_credentials (target_id, sealed, masked, updated_at) VALUES (?, ?, ?, ?)")
      .bind(id, await sealTargetStorage(box, account, storage), maskedKey(storage), now),
    db.prepare("UPDATE accounts SET active_target = ? WHERE id = ?").bind(id, account),
  ]);
}

/** False: the account's storage is not of this provider. */
export async function removeAccountStorage(
  db: D1Database,
  account: string,
  provider: Provider,
  now: number,
): Promise<boolean> {
  const active = await readAccountStorage(db, account);
  if (active === null || active.provider !== provider) return false;
  await db.batch([
    forgetActive(db, account, now),
    // Another configuration may have come in between: that one stays.
    db.prepare("UPDATE accounts SET active_target = NULL WHERE id = ? AND active_target = ?").bind(account, active.id),
  ]);
  return true;
}

function forgetActive(db: D1Database, account: string, now: number): D1PreparedStatement {
  return db
    .prepare("UPDATE targets SET forget_at = ?1 WHERE id = (SELECT active_target FROM accounts WHERE id = ?2)")
    .bind(now + FORGET_AFTER_MS, account);
}

/** The target of one request's inline storage; its credentials are sealed to the job. */
export async function insertInlineTarget(
  db: D1Database,
  account: string,
  target: TargetRow,
  now: number,
): Promise<void> {
  await insert(db, target.id, account, target, "inline", now).run();
}

function insert(
  db: D1Database,
  id: string,
  account: string,
  place: StoragePlace,
  source: TargetSource | "inline",
  now: number,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO targets (id, account_id, provider, endpoint, bucket, region, folder_prefix, base_folder, source, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .bind(
      id,
      account,
      place.provider,
      place.endpoint,
      place.bucket,
      place.region,
      place.folder_prefix,
      place.base_folder,
      source,
      now,
    );
}

/** An account's active storage, with what is shown of it. */
export interface AccountStorage extends StoragePlace {
  id: string;
  source: TargetSource;
  masked: string;
  sealed: string;
  updated_at: number;
}

/** By primary keys. Null: managed storage. */
export async function readAccountStorage(db: D1Database, account: string): Promise<AccountStorage | null> {
  return db
    .prepare(
      `SELECT t.id, t.provider, t.endpoint, t.bucket, t.region, t.folder_prefix, t.base_folder, t.source, c.masked, c.sealed,
         c.updated_at
       FROM accounts a JOIN targets t ON t.id = a.active_target JOIN target_credentials c ON c.target_id = t.id
       WHERE a.id = ?`,
    )
    .bind(account)
    .first<AccountStorage>();
}

/** Where an account's target is, by primary key; null for inline storage, which is reached by nobody after its job. */
export async function readPlace(
  db: D1Database,
  account: string,
  id: string,
): Promise<Pick<StoragePlace, "provider" | "endpoint" | "bucket"> | null> {
  return db
    .prepare("SELECT provider, endpoint, bucket FROM targets WHERE id = ? AND account_id = ? AND source <> 'inline'")
    .bind(id, account)
    .first<Pick<StoragePlace, "provider" | "endpoint" | "bucket">>();
}

/**
 * Erases credentials of configurations that were replaced or removed, once no live job needs them. One bounded pass;
 * returns how many are gone. Uses targets_forget(forget_at), jobs_live(account_id, id).
 */
export async function forgetCredentials(db: D1Database, now: number, limit: number): Promise<number> {
  const { results } = await db
    .prepare(
      `SELECT t.id, EXISTS (SELECT 1 FROM jobs j INDEXED BY jobs_live WHERE j.account_id = t.account_id
         AND j.finished_at IS NULL AND j.target_id = t.id) AS needed
       FROM targets t WHERE t.forget_at <= ? ORDER BY t.forget_at LIMIT ?`,
    )
    .bind(now, limit)
    .all<{ id: string; needed: number }>();
  const idle = JSON.stringify(results.filter((row) => row.needed === 0).map((row) => row.id));
  const needed = JSON.stringify(results.filter((row) => row.needed === 1).map((row) => row.id));
  await db.batch([
    db.prepare("DELETE FROM target_credentials WHERE target_id IN (SELECT value FROM json_each(?))").bind(idle),
    db.prepare("UPDATE targets SET forget_at = NULL WHERE id IN (SELECT value FROM json_each(?))").bind(idle),
    db
      .prepare("UPDATE targets SET forget_at = ? WHERE id IN (SELECT value FROM json_each(?))")
      .bind(now + FORGET_AFTER_MS, needed),
  ]);
  return (JSON.parse(idle) as string[]).length;
}

/** An account's active storage whose bucket is to be searched. */
export interface SweptTarget extends StoragePlace {
  id: string;
  account_id: string;
  sealed: string;
}

/**
 * Active configurations that were not searched since, and marks them as searched: one that breaks its search off must not
 * stand before the others. Uses targets_swept(swept_at).
 */
export async function targetsToSweep(
  db: D1Database,
  since: number,
  now: number,
  limit: number,
): Promise<SweptTarget[]> {
  const { results } = await db
    .prepare(
      `UPDATE targets SET swept_at = ?1 WHERE id IN (
         SELECT id FROM targets INDEXED BY targets_swept WHERE source <> 'inline' AND swept_at <= ?2
         ORDER BY swept_at LIMIT ?3) RETURNING id`,
    )
    .bind(now, since, limit)
    .all<{ id: string }>();
  if (results.length === 0) return [];
  const active = await db
    .prepare(
      `SELECT t.id, t.account_id, t.provider, t.endpoint, t.bucket, t.region, t.folder_prefix, t.base_folder, c.sealed
       FROM targets t JOIN accounts a ON a.id = t.account_id AND a.active_target = t.id AND a.state = 'active'
       JOIN target_credentials c ON c.target_id = t.id WHERE t.id IN (SELECT value FROM json_each(?))`,
    )
    .bind(JSON.stringify(results.map((row) => row.id)))
    .all<SweptTarget>();
  return active.results;
}

/** Accounts and keys in D1. */

export interface AccountRow {
  id: string;
  name: string;
  partition: string;
  pool: string;
  limits: string;
  created_at: number;
}

export async function listAccounts(db: D1Database): Promise<AccountRow[]> {
  const { results } = await db
    .prepare(
      "SELECT id, name, partition, pool, limits, created_at FROM accounts WHERE state = 'active' ORDER BY created_at, id",
    )
    .all<AccountRow>();
  return results;
}

export async function findAccount(db: D1Database, id: string): Promise<AccountRow | null> {
  return db
    .prepare("SELECT id, name, partition, pool, limits, created_at FROM accounts WHERE id = ? AND state = 'active'")
    .bind(id)
    .first<AccountRow>();
}

/** The first account keeps its files at the root of the store, the others under `@<id>/` (DESIGN section 6). */
export async function insertAccount(db: D1Database, account: AccountRow): Promise<void> {
  await db
    .prepare(
      `INSERT INTO accounts (id, name, partition, pool, limits, store_prefix, created_at)
       SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN EXISTS (SELECT 1 FROM accounts) THEN '@' || ?1 || '/' ELSE '' END, ?6`,
    )
    .bind(account.id, account.name, account.partition, account.pool, account.limits, account.created_at)
    .run();
}

export interface KeyRow {
  id: string;
  account_id: string;
  name: string | null;
  hash: string;
  prefix: string;
  last4: string;
  scopes: string;
  limits: string;
  expires_at: number | null;
  created_at: number;
}

/** False when a key with this hash exists already (a preset key that is given again). */
export async function insertKey(db: D1Database, key: KeyRow): Promise<boolean> {
  const result = await db
    .prepare(
      `INSERT INTO api_keys (id, account_id, name, hash, prefix, last4, scopes, limits, expires_at, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING RETURNING id`,
    )
    .bind(
      key.id,
      key.account_id,
      key.name,
      key.hash,
      key.prefix,
      key.last4,
      key.scopes,
      key.limits,
      key.expires_at,
      key.created_at,
    )
    .all();
  return result.results.length === 1;
}

export async function revokeKey(db: D1Database, id: string, now: number): Promise<boolean> {
  const { results } = await db
    .prepare("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING id")
    .bind(now, id)
    .all();
  return results.length === 1;
}

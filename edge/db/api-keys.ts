/** API keys in D1. */

export interface KeyRow {
  id: string;
  account_id: string;
  name: string | null;
  hash: string;
  prefix: string;
  last4: string;
  /** JSON arrays and objects. */
  scopes: string;
  limits: string;
  expires_at: number | null;
  created_at: number;
}

/** What may be shown of a key again. */
export type ShownKey = Omit<KeyRow, "account_id" | "hash"> & { revoked_at: number | null };

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

/** Oldest first, revoked ones too. Uses api_keys_account(account_id, created_at). */
export async function listKeys(db: D1Database, account: string): Promise<ShownKey[]> {
  const { results } = await db
    .prepare(
      `SELECT id, name, prefix, last4, scopes, limits, expires_at, revoked_at, created_at FROM api_keys
       WHERE account_id = ? ORDER BY created_at, id`,
    )
    .bind(account)
    .all<ShownKey>();
  return results;
}

/** Marks the key, once; null when it is unknown. Names the account whose partition must hear of it. */
export async function revokeKey(
  db: D1Database,
  id: string,
  now: number,
): Promise<{ account: string; partition: string } | null> {
  return db
    .prepare(
      `UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?1) WHERE id = ?2
       RETURNING account_id AS account, (SELECT partition FROM accounts WHERE id = account_id) AS partition`,
    )
    .bind(now, id)
    .first<{ account: string; partition: string }>();
}

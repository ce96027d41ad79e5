/**
 * Keys that were revoked a moment ago. D1 refuses them for good; a Worker may remember one as good for a few seconds
 * more, and meets this list at each request then.
 */
import type { Sql } from "./sql.ts";

/** Far longer than any Worker remembers a key. */
const REVOKED_KEPT_MS = 10 * 60_000;

export function addRevoked(sql: Sql, keys: readonly string[], now: number): void {
  sql.run("DELETE FROM revoked_keys WHERE revoked_at < ?", now - REVOKED_KEPT_MS);
  sql.run(
    `INSERT INTO revoked_keys (key_id, revoked_at) SELECT value, ?2 FROM json_each(?1) WHERE true
     ON CONFLICT (key_id) DO NOTHING`,
    JSON.stringify(keys),
    now,
  );
}

/** By primary key. */
export function isRevoked(sql: Sql, key: string): boolean {
  return sql.get("SELECT 1 AS x FROM revoked_keys WHERE key_id = ?", key) !== undefined;
}

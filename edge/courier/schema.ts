/** Tables of a courier. A change gets a new version and a step in `MIGRATIONS`; old data folders must open. */
import type { Sql } from "../partition/sql.ts";

const VERSION_1 = [
  "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  // What was handed over and is not 30 days old: the outbox while `due_at` is set, then what makes a repeat harmless.
  // `seq` keeps the order of acceptance. A waiting row of a batch is pending without `due_at`. `forced`: a redelivery was
  // asked for and has not begun. `target` groups tries by receiver without telling its address. The sealed columns are
  // emptied once the tries have ended and D1 holds them; what Slack was told nobody asks for again.
  `CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, type TEXT NOT NULL, job_id TEXT, batch_id TEXT,
    batch_rank INTEGER, target TEXT NOT NULL, sealed_url TEXT, sealed_body TEXT, status TEXT NOT NULL,
    attempts INTEGER NOT NULL, max_attempts INTEGER NOT NULL, due_at INTEGER, forced INTEGER NOT NULL,
    last_status_code INTEGER, last_error TEXT, response_time_ms INTEGER, created_at INTEGER NOT NULL, finished_at INTEGER,
    version INTEGER NOT NULL, logged_version INTEGER NOT NULL
  )`,
  "CREATE INDEX delivery_due ON deliveries (due_at) WHERE due_at IS NOT NULL",
  `CREATE INDEX delivery_untried ON deliveries (batch_id, batch_rank)
    WHERE batch_rank IS NOT NULL AND attempts = 0 AND status = 'pending'`,
  "CREATE INDEX delivery_unlogged ON deliveries (seq) WHERE version > logged_version AND channel = 'webhook'",
  "CREATE INDEX delivery_age ON deliveries (created_at)",
];

const MIGRATIONS: readonly (readonly string[])[] = [VERSION_1];

export function openSchema(sql: Sql): void {
  const known = sql.get("SELECT 1 AS x FROM sqlite_master WHERE type = 'table' AND name = 'meta'") !== undefined;
  const version = known ? Number(getMeta(sql, "schema_version") ?? "0") : 0;
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < version) continue;
    sql.transaction(() => {
      for (const statement of statements) sql.run(statement);
      setMeta(sql, "schema_version", String(index + 1));
    });
  }
}

export function getMeta(sql: Sql, key: string): string | null {
  return sql.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value ?? null;
}

export function setMeta(sql: Sql, key: string, value: string): void {
  sql.run(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}

/** From the courier's table to the log in D1, and the end of both after 30 days (jobs API 8.4). */
import { deleteOldDeliveries, logDeliveries } from "../db/deliveries.ts";
import type { Sql } from "../partition/sql.ts";
import type { Delivery } from "./outbox.ts";

const LOG_KEPT_MS = 30 * 24 * 60 * 60_000;
/** Old rows leave together, so that not each of them wakes the object. */
const PRUNE_EVERY_MS = 10 * 60_000;
const PRUNE_ROWS = 1_000;
/** One write to D1. */
const LOG_ROWS = 200;
const LOG_BYTES = 1_000_000;

/** Rows that D1 does not know as they are. Slack messages are not in the log. Uses delivery_unlogged. */
function unlogged(sql: Sql): Delivery[] {
  const rows = sql.all<Delivery>(
    `SELECT * FROM deliveries WHERE version > logged_version AND channel = 'webhook' ORDER BY seq LIMIT ${LOG_ROWS}`,
  );
  let bytes = 0;
  const end = rows.findIndex((row) => {
    bytes += (row.sealed_body?.length ?? 0) + (row.sealed_url?.length ?? 0) + 500;
    return bytes > LOG_BYTES;
  });
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
}

/** D1 has these versions; what has ended keeps no bytes here. A row that changed meanwhile stays for the next write. */
function markLogged(sql: Sql, rows: readonly Delivery[]): void {
  const versions = JSON.stringify(rows.map(({ id, version }) => [id, version]));
  sql.transaction(() => {
    sql.run(
      `UPDATE deliveries SET logged_version = given.version
       FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS version FROM json_each(?)) AS given
       WHERE deliveries.id = given.id`,
      versions,
    );
    sql.run(
      `UPDATE deliveries SET sealed_url = NULL, sealed_body = NULL
       WHERE id IN (SELECT json_extract(value, '$[0]') FROM json_each(?)) AND status <> 'pending' AND version = logged_version`,
      versions,
    );
  });
}

export function hasUnlogged(sql: Sql): boolean {
  return (
    sql.get("SELECT 1 AS x FROM deliveries WHERE version > logged_version AND channel = 'webhook' LIMIT 1") !==
    undefined
  );
}

/** Writes until D1 knows everything. Throws when D1 does not take it; the next call goes on from there. */
export async function writeLog(sql: Sql, db: D1Database, account: string): Promise<number> {
  let written = 0;
  for (;;) {
    const rows = unlogged(sql);
    if (rows.length === 0) return written;
    await logDeliveries(db, account, rows);
    markLogged(sql, rows);
    written += rows.length;
  }
}

/** Forgets what is older than the log is kept, here and in D1. Returns how many rows left here. */
export async function pruneLog(sql: Sql, db: D1Database, account: string, now: number): Promise<number> {
  const before = now - LOG_KEPT_MS;
  const old = sql.all<{ seq: number }>(
    `SELECT seq FROM deliveries WHERE created_at <= ? ORDER BY created_at LIMIT ${PRUNE_ROWS}`,
    before,
  );
  if (old.length === 0) return 0;
  // D1 first, by age: if it fails, the rows here bring us back.
  await deleteOldDeliveries(db, account, before);
  sql.run(
    "DELETE FROM deliveries WHERE seq IN (SELECT value FROM json_each(?))",
    JSON.stringify(old.map(({ seq }) => seq)),
  );
  return old.length;
}

/** When there is something to forget next. */
export function nextPrune(sql: Sql): number | null {
  const oldest = sql.get<{ at: number | null }>("SELECT min(created_at) AS at FROM deliveries")?.at ?? null;
  return oldest === null ? null : Math.ceil((oldest + LOG_KEPT_MS) / PRUNE_EVERY_MS) * PRUNE_EVERY_MS;
}

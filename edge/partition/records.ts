/** What a partition keeps of jobs and batches after they have retired: names, where their files are, and events. */
import type { Sql } from "./sql.ts";

/**
 * Drops it, but for those that have not retired: their ids are returned. Uses primary keys, name_job(job_id),
 * event_job(job_id, id) and event_batch(batch_id, id).
 */
export function forgetRecords(sql: Sql, ids: readonly string[]): string[] {
  const list = JSON.stringify(ids);
  const living = sql
    .all<{ id: string }>(
      `SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?1))
       UNION ALL SELECT id FROM batches WHERE id IN (SELECT value FROM json_each(?1))`,
      list,
    )
    .map((row) => row.id);
  const kept = new Set(living);
  const gone = JSON.stringify(ids.filter((id) => !kept.has(id)));
  sql.run("DELETE FROM names WHERE job_id IN (SELECT value FROM json_each(?))", gone);
  for (const column of ["job_id", "batch_id"] as const) forgetEvents(sql, column, gone);
  return living;
}

function forgetEvents(sql: Sql, column: "job_id" | "batch_id", list: string): void {
  const ofThem = `${column} IN (SELECT value FROM json_each(?))`;
  const newest = sql.all<{ account: string; last: number }>(
    `SELECT account_id AS account, max(id) AS last FROM events WHERE ${ofThem} GROUP BY account_id`,
    list,
  );
  sql.run(`DELETE FROM events WHERE ${ofThem}`, list);
  for (const { account, last } of newest) {
    // A stream that asks for less than this has missed something that nobody can tell it any more.
    sql.run("UPDATE accounts SET events_from = max(events_from, ?) WHERE id = ?", last, account);
  }
}

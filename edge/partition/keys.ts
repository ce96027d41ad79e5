/**
 * API keys with limits of their own on how much may run or wait (operator's manual). Counters are kept for those alone,
 * so that a job of any other key costs no row.
 */
import type { Limits } from "../../shared/contract/admin.ts";
import type { JobRow } from "./job-row.ts";
import type { Sql } from "./sql.ts";
import { apiStatus, HOLDS_NODE, type State } from "./states.ts";
import type { Turn } from "./turn.ts";

/** What a key brings into its account's partition along with a create. A key's limits never change. */
export interface KeyFacts {
  id: string;
  limits: Pick<Limits, "max_concurrent" | "max_queued">;
}

/**
 * Begins to count a key that has such a limit. Its jobs from before can only be those of a database that is older than the
 * counters: they are counted once, and a new key costs no walk through all jobs.
 */
export function upsertKey(turn: Turn, account: string, { id, limits }: KeyFacts): void {
  const { max_concurrent = null, max_queued = null } = limits;
  if (max_concurrent === null && max_queued === null) return;
  if (turn.sql.get("SELECT 1 AS x FROM keys WHERE id = ?", id) !== undefined) return;
  const { pending, active } = loadFromBefore(turn.sql, id);
  turn.sql.run(
    "INSERT INTO keys (id, account_id, max_concurrent, max_queued, pending, active) VALUES (?, ?, ?, ?, ?, ?)",
    id,
    account,
    max_concurrent,
    max_queued,
    pending,
    active,
  );
  if (pending === 0 || max_concurrent === null) return;
  turn.sql.run("UPDATE jobs SET lane = live || ' ' || key_id || ' ' || tags WHERE key_id = ?", id);
}

function loadFromBefore(sql: Sql, key: string): { pending: number; active: number } {
  const none = { pending: 0, active: 0 };
  if (sql.get("SELECT 1 AS x FROM uncounted_keys WHERE id = ?", key) === undefined) return none;
  return (
    sql.get<{ pending: number; active: number }>(
      `SELECT coalesce(sum(status = 'Pending'), 0) AS pending, coalesce(sum(state IN ('offered', 'running')), 0) AS active
       FROM jobs WHERE key_id = ?`,
      key,
    ) ?? none
  );
}

/** Whether it may run only so many at once. By primary key. */
export function isLimited(turn: Turn, key: string): boolean {
  return turn.sql.get("SELECT 1 AS x FROM keys WHERE id = ? AND max_concurrent IS NOT NULL", key) !== undefined;
}

/** How many more jobs of this key may wait; infinite without a limit. By primary key. */
export function queueRoom(turn: Turn, key: string): number {
  const row = turn.sql.get<{ max_queued: number | null; pending: number }>(
    "SELECT max_queued, pending FROM keys WHERE id = ?",
    key,
  );
  return row?.max_queued === undefined || row.max_queued === null
    ? Number.POSITIVE_INFINITY
    : row.max_queued - row.pending;
}

/** Adjusts the key's counters for `times` jobs that appear (`from` null) or change their state. Writes only for a limited key. */
export function countKeyMove(
  turn: Turn,
  { key_id }: Pick<JobRow, "key_id">,
  from: State | null,
  to: State,
  times: number,
): void {
  if (key_id === null) return;
  const pending = (state: State | null) => Number(state !== null && apiStatus(state) === "Pending");
  const active = (state: State | null) => Number(state !== null && HOLDS_NODE.includes(state));
  const [waits, runs] = [(pending(to) - pending(from)) * times, (active(to) - active(from)) * times];
  if (waits === 0 && runs === 0) return;
  turn.sql.run("UPDATE keys SET pending = pending + ?, active = active + ? WHERE id = ?", waits, runs, key_id);
}

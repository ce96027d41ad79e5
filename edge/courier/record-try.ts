/** How a try ended: one transaction, synchronous. */
import type { Sql } from "../partition/sql.ts";
import { ladderDelay } from "./ladder.ts";
import { type Delivery, getDelivery, releaseBatch } from "./outbox.ts";

/** A try that our own side kept from happening is not counted, and made good after this. */
const DEFERRED_MS = 5_000;
const GONE = 410;

/** What one try came to. */
export type TryOutcome =
  | { kind: "answered"; statusCode: number; responseTimeMs: number }
  | { kind: "unanswered"; error: string }
  /** Our own fault: D1 was away, say. Not a try. */
  | { kind: "deferred" }
  /** Nobody wants it any more. */
  | { kind: "dropped" };

/** Writes down how a try ended and when the next one is. Returns the row as it now stands; null when it is gone. */
export function recordTry(
  sql: Sql,
  id: string,
  outcome: TryOutcome,
  now: number,
  random: () => number,
): Delivery | null {
  return sql.transaction(() => {
    const row = getDelivery(sql, id);
    if (row === undefined) return null;
    if (outcome.kind === "dropped") {
      sql.run("DELETE FROM deliveries WHERE id = ?", id);
      return null;
    }
    if (outcome.kind === "deferred") {
      sql.run("UPDATE deliveries SET due_at = ? WHERE id = ?", now + DEFERRED_MS, id);
      return { ...row, due_at: now + DEFERRED_MS };
    }
    const after = afterTry(row, outcome, now, random);
    sql.run(
      `UPDATE deliveries SET status = ?, attempts = ?, max_attempts = ?, due_at = ?, last_status_code = ?, last_error = ?,
         response_time_ms = ?, finished_at = ?, version = ? WHERE id = ?`,
      after.status,
      after.attempts,
      after.max_attempts,
      after.due_at,
      after.last_status_code,
      after.last_error,
      after.response_time_ms,
      after.finished_at,
      after.version,
      id,
    );
    // D1 does not keep it, and it has no second try.
    if (row.channel === "slack") sql.run("UPDATE deliveries SET sealed_body = NULL WHERE id = ?", id);
    if (row.attempts === 0 && row.batch_id !== null && row.batch_rank !== null) releaseBatch(sql, row.batch_id, now);
    return after;
  });
}

type Tried = Extract<TryOutcome, { kind: "answered" | "unanswered" }>;

/** The row describes its last try: after a success it bears no error. */
function afterTry(row: Delivery, outcome: Tried, now: number, random: () => number): Delivery {
  const attempts = row.attempts + 1;
  const code = outcome.kind === "answered" ? outcome.statusCode : null;
  const delivered = code !== null && code >= 200 && code <= 299;
  const tried = {
    ...row,
    attempts,
    last_status_code: code,
    last_error: outcome.kind === "unanswered" ? outcome.error : delivered ? null : `HTTP ${code}`,
    response_time_ms: outcome.kind === "answered" ? outcome.responseTimeMs : null,
    version: nextVersion(row, now),
  };
  // Somebody asked for a redelivery while this try was under way.
  if (row.forced === 1) {
    return { ...tried, status: "pending", due_at: now, max_attempts: Math.max(row.max_attempts, attempts + 1) };
  }
  const delay = delivered || code === GONE || attempts >= row.max_attempts ? null : ladderDelay(attempts, random);
  if (delay !== null) return { ...tried, status: "pending", due_at: now + delay };
  return { ...tried, status: delivered ? "delivered" : "failed", due_at: null, finished_at: now };
}

/** Versions rise with the clock too, so that a courier that lost its storage still overwrites what D1 has. */
function nextVersion(row: Pick<Delivery, "version">, now: number): number {
  return Math.max(row.version + 1, now);
}

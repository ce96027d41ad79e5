/** The courier's table of deliveries: what comes in and what is due. All of it synchronous. */
import type { Sql } from "../partition/sql.ts";
import type { BatchRank, Channel, NoticeType } from "./notice.ts";

export type DeliveryStatus = "pending" | "delivered" | "failed";

export interface Delivery {
  id: string;
  channel: Channel;
  type: NoticeType;
  job_id: string | null;
  batch_id: string | null;
  batch_rank: BatchRank | null;
  /** Receivers with the same one share their slots. */
  target: string;
  /** Null for Slack, and once D1 alone holds it. */
  sealed_url: string | null;
  sealed_body: string | null;
  status: DeliveryStatus;
  attempts: number;
  max_attempts: number;
  due_at: number | null;
  forced: 0 | 1;
  last_status_code: number | null;
  last_error: string | null;
  response_time_ms: number | null;
  created_at: number;
  finished_at: number | null;
  version: number;
  logged_version: number;
}

/** Tries looked up at once, in all and per target: a long queue for one receiver hides nobody else's. */
const CANDIDATES = 512;
const CANDIDATES_PER_TARGET = 64;

const INSERTED = [
  "id",
  "channel",
  "type",
  "job_id",
  "batch_id",
  "batch_rank",
  "target",
  "sealed_url",
  "sealed_body",
  "status",
  "attempts",
  "max_attempts",
  "due_at",
  "forced",
  "last_status_code",
  "last_error",
  "response_time_ms",
  "created_at",
  "finished_at",
  "version",
  "logged_version",
] as const satisfies readonly (keyof Delivery)[];

/** Inserts what is not there yet; a known id is left as it is. */
export function insertDelivery(sql: Sql, delivery: Delivery): void {
  sql.run(
    `INSERT INTO deliveries (${INSERTED.join(", ")}) VALUES (${INSERTED.map(() => "?").join(", ")})
     ON CONFLICT (id) DO NOTHING`,
    ...INSERTED.map((column) => delivery[column]),
  );
}

export function getDelivery(sql: Sql, id: string): Delivery | undefined {
  return sql.get<Delivery>("SELECT * FROM deliveries WHERE id = ?", id);
}

export function knownIds(sql: Sql, ids: readonly string[]): Set<string> {
  const rows = sql.all<{ id: string }>(
    "SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each(?))",
    JSON.stringify(ids),
  );
  return new Set(rows.map((row) => row.id));
}

/**
 * Lets go of a batch's waiting webhooks for which no lower rank is still untried. Uses delivery_untried.
 */
export function releaseBatch(sql: Sql, batchId: string, now: number): void {
  sql.run(
    `UPDATE deliveries AS waiting SET due_at = ?1, version = max(version + 1, ?1)
     WHERE batch_id = ?2 AND batch_rank IS NOT NULL AND attempts = 0 AND status = 'pending' AND due_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM deliveries AS first WHERE first.batch_id = ?2 AND first.batch_rank < waiting.batch_rank
         AND first.batch_rank IS NOT NULL AND first.attempts = 0 AND first.status = 'pending')`,
    now,
    batchId,
  );
}

export interface Candidate {
  id: string;
  target: string;
}

/** Due tries, oldest first, but for those under way. Uses delivery_due(due_at). */
export function dueCandidates(sql: Sql, underWay: readonly string[], now: number): Candidate[] {
  return sql.all<Candidate>(
    `SELECT id, target FROM (
       SELECT id, target, due_at, seq, row_number() OVER (PARTITION BY target ORDER BY due_at, seq) AS place
       FROM deliveries WHERE due_at <= ? AND id NOT IN (SELECT value FROM json_each(?))
     ) WHERE place <= ${CANDIDATES_PER_TARGET} ORDER BY due_at, seq LIMIT ${CANDIDATES}`,
    now,
    JSON.stringify(underWay),
  );
}

/** The delivery, if it is still due; from now on a redelivery that is asked for means one more try. */
export function beginTry(sql: Sql, id: string, now: number): Delivery | null {
  const row = sql.get<Delivery>("SELECT * FROM deliveries WHERE id = ? AND due_at <= ?", id, now);
  if (row === undefined) return null;
  if (row.forced === 1) sql.run("UPDATE deliveries SET forced = 0 WHERE id = ?", id);
  return row;
}

/** Gives a delivery its bytes back, which D1 had kept alone. */
export function restoreBytes(sql: Sql, id: string, sealedUrl: string, sealedBody: string): void {
  sql.run("UPDATE deliveries SET sealed_url = ?, sealed_body = ? WHERE id = ?", sealedUrl, sealedBody, id);
}

/**
 * One try at once, in whatever state it is (jobs API 8.4). While the ladder lasts, it is the ladder's next one; after its
 * end it is a single one.
 */
export function forceTry(sql: Sql, id: string, now: number): void {
  sql.run(
    `UPDATE deliveries SET status = 'pending', due_at = ?1, forced = 1, finished_at = NULL,
       max_attempts = CASE status WHEN 'pending' THEN max_attempts ELSE attempts + 1 END, version = max(version + 1, ?1)
     WHERE id = ?2`,
    now,
    id,
  );
}

/** When the next try is due, after `later` if given. */
export function earliestDue(sql: Sql, later: number | null): number | null {
  const row = sql.get<{ due: number | null }>(
    "SELECT min(due_at) AS due FROM deliveries WHERE due_at > ?",
    later ?? -1,
  );
  return row?.due ?? null;
}

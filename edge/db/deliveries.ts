/** The delivery log in D1 (jobs API 8.4). The account's courier writes it; everyone else reads. */
import { OUTCOME_TYPES } from "../courier/notice.ts";
import type { Delivery } from "../courier/outbox.ts";

/** Bytes and addresses stay sealed, with these purposes. */
export const DELIVERY_URL_PURPOSE = "delivery-url";
export const DELIVERY_BODY_PURPOSE = "delivery-body";

/** Rows that one delete takes; the next one takes the next. */
const DELETE_ROWS = 1_000;

export interface DeliveryRow {
  id: string;
  account_id: string;
  job_id: string | null;
  batch_id: string | null;
  type: string;
  sealed_url: string;
  status: string;
  attempts: number;
  last_status_code: number | null;
  last_error: string | null;
  response_time_ms: number | null;
  next_attempt_at: number | null;
  sealed_body: string;
  created_at: number;
  finished_at: number | null;
  version: number;
}

const COLUMNS = [
  "id",
  "account_id",
  "job_id",
  "batch_id",
  "type",
  "sealed_url",
  "status",
  "attempts",
  "last_status_code",
  "last_error",
  "response_time_ms",
  "next_attempt_at",
  "sealed_body",
  "created_at",
  "finished_at",
  "version",
] as const satisfies readonly (keyof DeliveryRow)[];

const UPSERT = `INSERT INTO deliveries (${COLUMNS.join(", ")})
  SELECT ${COLUMNS.map((column) => `json_extract(value, '$.${column}')`).join(", ")} FROM json_each(?1) WHERE true
  ON CONFLICT (id) DO UPDATE SET ${COLUMNS.filter((column) => column !== "id")
    .map((column) => `${column} = excluded.${column}`)
    .join(", ")} WHERE excluded.version > deliveries.version AND excluded.account_id = deliveries.account_id`;

/** Writes rows as they now stand, absolute values only: a repeat or a late one changes nothing. */
export async function logDeliveries(db: D1Database, account: string, rows: readonly Delivery[]): Promise<void> {
  const logged = rows.map((row) => ({ ...row, account_id: account, next_attempt_at: row.due_at }));
  await db.prepare(UPSERT).bind(JSON.stringify(logged)).run();
}

export interface DeliveryListQuery {
  account: string;
  jobId: string | null;
  status: string | null;
  /** Only what is older than this one. */
  before: { createdAt: number; id: string } | null;
  limit: number;
}

/**
 * Newest first. Uses deliveries_job, deliveries_account_status or deliveries_account, whichever the filters fit. The `+`
 * keeps SQLite from walking the whole account in order of time for the few rows of one job.
 */
export async function listDeliveries(db: D1Database, query: DeliveryListQuery): Promise<DeliveryRow[]> {
  const conditions: [string, ...(string | number)[]][] =
    query.jobId === null
      ? [["account_id = ?", query.account]]
      : [
          ["job_id = ?", query.jobId],
          ["+account_id = ?", query.account],
        ];
  if (query.status !== null) conditions.push(["status = ?", query.status]);
  if (query.before !== null) conditions.push(["(created_at, id) < (?, ?)", query.before.createdAt, query.before.id]);
  const { results } = await db
    .prepare(
      `SELECT * FROM deliveries WHERE ${conditions.map(([text]) => text).join(" AND ")}
       ORDER BY created_at DESC, id DESC LIMIT ?`,
    )
    .bind(...conditions.flatMap(([, ...values]) => values), query.limit)
    .all<DeliveryRow>();
  return results;
}

/** By primary key; null for another account's delivery too. */
export async function findDelivery(db: D1Database, account: string, id: string): Promise<DeliveryRow | null> {
  return db.prepare("SELECT * FROM deliveries WHERE id = ? AND account_id = ?").bind(id, account).first<DeliveryRow>();
}

/** Uses deliveries_account(account_id, created_at). */
export async function deleteOldDeliveries(db: D1Database, account: string, before: number): Promise<void> {
  await db
    .prepare(
      `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE account_id = ? AND created_at <= ?
         ORDER BY created_at LIMIT ${DELETE_ROWS})`,
    )
    .bind(account, before)
    .run();
}

/** The `webhook_*` fields of `GET /jobs/{id}` (jobs API 3.5). */
export interface WebhookStatus {
  webhook_status: "no_webhook" | "delivered" | "failed" | null;
  webhook_attempts: number | null;
  webhook_last_error: string | null;
  webhook_response_time_ms: number | null;
}

type StatusRow = Pick<DeliveryRow, "status" | "attempts" | "last_error" | "response_time_ms">;

/**
 * How the outcome webhook of a job fares. All null while there is none yet; a job that has no `webhook_url` need not be
 * asked about ({@link NO_WEBHOOK}). Uses deliveries_job(job_id).
 */
export async function webhookStatus(db: D1Database, account: string, jobId: string): Promise<WebhookStatus> {
  const row = await db
    .prepare(
      `SELECT status, attempts, last_error, response_time_ms FROM deliveries
       WHERE job_id = ? AND +account_id = ? AND type IN (SELECT value FROM json_each(?)) ORDER BY created_at DESC LIMIT 1`,
    )
    .bind(jobId, account, JSON.stringify(OUTCOME_TYPES))
    .first<StatusRow>();
  return {
    webhook_status: row?.status === "delivered" || row?.status === "failed" ? row.status : null,
    webhook_attempts: row?.attempts ?? null,
    webhook_last_error: row?.last_error ?? null,
    webhook_response_time_ms: row?.response_time_ms ?? null,
  };
}

export const NO_WEBHOOK: WebhookStatus = {
  webhook_status: "no_webhook",
  webhook_attempts: null,
  webhook_last_error: null,
  webhook_response_time_ms: null,
};

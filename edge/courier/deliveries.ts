/** Between the wire and the table: a notice becomes a delivery, sealed; a logged one comes back from D1. */
import { sha256Hex } from "../auth/api-keys.ts";
import type { SecretBox } from "../auth/secret-box.ts";
import { DELIVERY_BODY_PURPOSE, DELIVERY_URL_PURPOSE, type DeliveryRow } from "../db/deliveries.ts";
import { maxTries, type Notice, type NoticeType } from "./notice.ts";
import type { Delivery, DeliveryStatus } from "./outbox.ts";

const SLACK_TARGET = "slack";
const TARGET_LENGTH = 32;

const NEVER_TRIED = {
  attempts: 0,
  forced: 0,
  last_status_code: null,
  last_error: null,
  response_time_ms: null,
  finished_at: null,
  logged_version: 0,
} as const;

/** Due at once, but for what waits for others of its batch: that is let go by `releaseBatch`. */
export async function toDelivery(notice: Notice, box: SecretBox, account: string, now: number): Promise<Delivery> {
  const { id, channel, type, job_id, batch_id, batch_rank, url, body, created_at } = notice;
  return {
    id,
    channel,
    type,
    job_id,
    batch_id,
    batch_rank,
    target: url === null ? SLACK_TARGET : await targetOf(url),
    sealed_url: url === null ? null : await box.seal(url, { account, purpose: DELIVERY_URL_PURPOSE }),
    sealed_body: await box.seal(body, { account, purpose: DELIVERY_BODY_PURPOSE }),
    status: "pending",
    max_attempts: maxTries(notice),
    due_at: batch_rank === null || batch_rank === 0 ? now : null,
    created_at,
    version: now,
    ...NEVER_TRIED,
  };
}

/** A delivery that only D1 remembers: ended, until somebody asks for it again. */
export async function fromLog(row: DeliveryRow, box: SecretBox): Promise<Delivery> {
  const url = await box.open(row.sealed_url, { account: row.account_id, purpose: DELIVERY_URL_PURPOSE });
  return {
    ...NEVER_TRIED,
    id: row.id,
    channel: "webhook",
    type: row.type as NoticeType,
    job_id: row.job_id,
    batch_id: row.batch_id,
    batch_rank: null,
    target: await targetOf(url),
    sealed_url: row.sealed_url,
    sealed_body: row.sealed_body,
    status: row.status as DeliveryStatus,
    attempts: row.attempts,
    max_attempts: row.attempts,
    due_at: null,
    created_at: row.created_at,
    finished_at: row.finished_at,
    version: row.version,
    logged_version: row.version,
  };
}

/** A receiver is an origin and a path: a query that differs by job does not make it another one. */
async function targetOf(url: string): Promise<string> {
  const receiver = URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : url;
  return (await sha256Hex(receiver)).slice(0, TARGET_LENGTH);
}

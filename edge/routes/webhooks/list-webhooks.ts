import { z } from "zod";
import { DeliveryList } from "../../../shared/contract/views/deliveries.ts";
import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { type SecretBox, secretBoxOf } from "../../auth/secret-box.ts";
import { fromBase64Url, toBase64Url } from "../../auth/signing.ts";
import { DELIVERY_URL_PURPOSE, type DeliveryListQuery, type DeliveryRow, listDeliveries } from "../../db/deliveries.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const STATUSES = ["pending", "delivered", "failed"] as const;

/** `GET /webhooks` (jobs API 8.4): the delivery log, newest first. */
export const listWebhooks: Endpoint = {
  operationId: "list-webhooks",
  method: "GET",
  path: "/webhooks",
  summary: "List webhook deliveries",
  scope: "jobs:read",
  describe: {
    tag: "Webhooks",
    details: "Newest first, kept 30 days. Bodies are not shown.",
    query: z.object({
      job_id: z.string().optional().describe("Only webhooks of this job"),
      status: z.enum(STATUSES).optional().describe("Only webhooks of this status; anything else is ignored"),
      limit: z.int().optional().describe(`Page size, clamped to 1–${MAX_LIMIT}. Defaults to ${DEFAULT_LIMIT}`),
      cursor: z.string().optional().describe("`next_cursor` of the page before"),
    }),
    answers: [answer(200, "The page.", DeliveryList), refused(400, "Not a cursor of ours.", "Invalid cursor")],
  },
  async handler(context) {
    const limit = Math.min(MAX_LIMIT, Math.max(1, integer(context.req.query("limit"), DEFAULT_LIMIT)));
    const status = context.req.query("status");
    const rows = await listDeliveries(context.env.DB, {
      account: context.var.caller.account.id,
      jobId: context.req.query("job_id")?.toLowerCase() || null,
      status: STATUSES.find((each) => each === status) ?? null,
      before: openCursor(context.req.query("cursor")),
      limit: limit + 1,
    });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const box = secretBoxOf(context.env);
    return context.json({
      webhooks: await Promise.all(page.map((row) => listItem(row, box))),
      limit,
      next_cursor: rows.length > limit && last !== undefined ? sealCursor(last) : null,
    });
  },
};

/** Not an integer: the default, as in `GET /jobs`. */
function integer(text: string | undefined, fallback: number): number {
  return text !== undefined && /^[+-]?\d{1,15}$/.test(text) ? Number(text) : fallback;
}

/** An id alone does not say where it stands: the list follows the time of the event. */
function sealCursor(row: DeliveryRow): string {
  return toBase64Url(new TextEncoder().encode(`${row.created_at}.${row.id}`));
}

function openCursor(cursor: string | undefined): DeliveryListQuery["before"] {
  if (cursor === undefined || cursor === "") return null;
  const bytes = fromBase64Url(cursor);
  const [createdAt = "", id = ""] = bytes === null ? [] : new TextDecoder().decode(bytes).split(".");
  if (!/^\d{1,15}$/.test(createdAt) || !isUuid(id)) throw new AppError("invalid", "Invalid cursor");
  return { createdAt: Number(createdAt), id };
}

async function listItem(row: DeliveryRow, box: SecretBox) {
  return {
    id: row.id,
    type: row.type,
    job_id: row.job_id,
    batch_id: row.batch_id,
    url: await box.open(row.sealed_url, { account: row.account_id, purpose: DELIVERY_URL_PURPOSE }),
    status: row.status,
    attempts: row.attempts,
    last_status_code: row.last_status_code,
    last_error: row.last_error,
    response_time_ms: row.response_time_ms,
    next_attempt_at: row.next_attempt_at,
    created_at: row.created_at,
    finished_at: row.finished_at,
  };
}

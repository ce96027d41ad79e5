import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { fromBase64Url, toBase64Url } from "../../auth/signing.ts";
import { countBatchJobs, listJobs as readJobs } from "../../db/jobs.ts";
import type { JobRow } from "../../partition/job-row.ts";
import type { AccountTotals } from "../../partition/reads.ts";
import { apiStep } from "../../partition/states.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition } from "./job-access.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const STATUSES = ["Pending", "Processing", "Completed", "Failed", "Warning", "Skipped"] as const;

/** `GET /jobs` (jobs API 3.6): newest first. */
export const listJobs: Endpoint = {
  operationId: "list-jobs",
  method: "GET",
  path: "/jobs",
  summary: "List jobs",
  scope: "jobs:read",
  async handler(context) {
    const { account } = context.var.caller;
    const { name: _, ...facts } = account;
    const limit = Math.min(MAX_LIMIT, Math.max(1, integer(context.req.query("limit"), DEFAULT_LIMIT)));
    const offset = Math.max(0, integer(context.req.query("offset"), 0));
    const status = STATUSES.find((each) => each.toLowerCase() === context.req.query("status")) ?? null;
    const batchId = context.req.query("batch_id") ?? null;
    const before = openCursor(context.req.query("cursor"));
    const totals = await askPartition(context, (stub) => stub.listBarrier(facts));
    const rows = await readJobs(context.env.DB, {
      account: account.id,
      status,
      batchId,
      before,
      limit: limit + 1,
      offset,
    });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return context.json({
      jobs: page.map(listItem),
      total: countOf(totals, null),
      limit,
      offset,
      filtered_total:
        batchId === null ? countOf(totals, status) : await countBatchJobs(context.env.DB, account.id, batchId, status),
      next_cursor: rows.length > limit && last !== undefined ? toBase64Url(new TextEncoder().encode(last.id)) : null,
    });
  },
};

/** Not an integer: the default. */
function integer(text: string | undefined, fallback: number): number {
  return text !== undefined && /^[+-]?\d{1,15}$/.test(text) ? Number(text) : fallback;
}

function openCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const bytes = fromBase64Url(cursor);
  const id = bytes === null ? "" : new TextDecoder().decode(bytes);
  if (!isUuid(id)) throw new AppError("invalid", "Invalid cursor");
  return id;
}

function countOf(totals: AccountTotals, status: (typeof STATUSES)[number] | null): number {
  const counters = {
    Pending: totals.pending,
    Processing: totals.processing,
    Completed: totals.completed,
    Failed: totals.failed,
    Warning: totals.warning,
    Skipped: totals.skipped,
  };
  return status === null ? Object.values(counters).reduce((sum, each) => sum + each, 0) : counters[status];
}

function listItem(row: JobRow) {
  return {
    id: row.id,
    url: row.url,
    status: row.status,
    s3_key: row.media_key,
    error: row.error,
    step: apiStep(row.state, row.step),
    created_at: row.created_at,
    finished_at: row.finished_at,
    file_size: row.file_size,
    title: row.title,
    error_type: row.error_type,
    folder: row.folder,
    batch_id: row.batch_id,
    progress: row.progress,
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as unknown),
  };
}

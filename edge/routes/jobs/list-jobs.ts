import { z } from "zod";
import { JobList } from "../../../shared/contract/views/job-list.ts";
import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { fromBase64Url, toBase64Url } from "../../auth/signing.ts";
import { countBatchJobs, listJobs as readJobs } from "../../db/jobs.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { CURSOR_QUERY, pageQuery, STATUS_QUERY } from "../../openapi/queries.ts";
import type { AccountTotals } from "../../partition/reads.ts";
import type { Endpoint } from "../endpoint.ts";
import { type ListStatus, listItems, listQuery } from "./job-list.ts";
import { listTotals } from "./totals.ts";

const DEFAULT_LIMIT = 20;

/** `GET /jobs` (jobs API 3.6): newest first. */
export const listJobs: Endpoint = {
  operationId: "list-jobs",
  method: "GET",
  path: "/jobs",
  summary: "List jobs",
  scope: "jobs:read",
  describe: {
    tag: "Jobs",
    details: "Newest first.",
    query: z.object({
      ...pageQuery(DEFAULT_LIMIT),
      ...STATUS_QUERY,
      batch_id: z.string().optional().describe("Only the jobs of this batch, without its parent; unknown: none"),
      ...CURSOR_QUERY,
    }),
    answers: [answer(200, "The page.", JobList), refused(400, "Not a cursor of ours.", "Invalid cursor")],
  },
  async handler(context) {
    const { account } = context.var.caller;
    const { limit, offset, status } = listQuery(context, DEFAULT_LIMIT);
    const batchId = context.req.query("batch_id")?.toLowerCase() ?? null;
    const before = openCursor(context.req.query("cursor"));
    const totals = await listTotals(context);
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
      jobs: await listItems(context, page),
      total: countOf(totals, null),
      limit,
      offset,
      filtered_total:
        batchId === null ? countOf(totals, status) : await countBatchJobs(context.env.DB, account.id, batchId, status),
      next_cursor: rows.length > limit && last !== undefined ? toBase64Url(new TextEncoder().encode(last.id)) : null,
    });
  },
};

function openCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const bytes = fromBase64Url(cursor);
  const id = bytes === null ? "" : new TextDecoder().decode(bytes);
  if (!isUuid(id)) throw new AppError("invalid", "Invalid cursor");
  return id;
}

export function countOf(totals: AccountTotals, status: ListStatus | null): number {
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

import { z } from "zod";
import { DashboardJobs } from "../../../shared/contract/views/dashboard.ts";
import { listJobs } from "../../db/jobs.ts";
import { answer } from "../../openapi/describe.ts";
import { pageQuery, STATUS_QUERY } from "../../openapi/queries.ts";
import type { Endpoint } from "../endpoint.ts";
import { listQuery } from "../jobs/job-list.ts";
import { countOf } from "../jobs/list-jobs.ts";
import { listTotals } from "../jobs/totals.ts";

const DEFAULT_LIMIT = 50;

/** `GET /dashboard/jobs` (jobs API 10). Here `total` follows the filter. */
export const dashboardJobs: Endpoint = {
  operationId: "dashboard-jobs",
  method: "GET",
  path: "/dashboard/jobs",
  summary: "Jobs for a dashboard",
  scope: "usage:read",
  describe: {
    tag: "Dashboard",
    query: z.object({ ...pageQuery(DEFAULT_LIMIT), ...STATUS_QUERY }),
    answers: [answer(200, "The page.", DashboardJobs)],
  },
  async handler(context) {
    const { limit, offset, status } = listQuery(context, DEFAULT_LIMIT);
    const account = context.var.caller.account.id;
    const totals = await listTotals(context);
    const rows = await listJobs(context.env.DB, { account, status, batchId: null, before: null, limit, offset });
    return context.json({
      jobs: rows.map((row) => ({
        id: row.id,
        url: row.url,
        status: row.status,
        error: row.error,
        s3_key: row.media_key,
        created_at: row.created_at,
      })),
      total: countOf(totals, status),
      limit,
      offset,
    });
  },
};

import { DashboardStats } from "../../../shared/contract/views/dashboard.ts";
import { recentFigures } from "../../db/statistics.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition } from "../jobs/job-access.ts";
import { readTotals } from "../jobs/totals.ts";

const GIB = 2 ** 30;

/** `GET /dashboard/stats` (jobs API 10): the four states add up to the total. */
export const dashboardStats: Endpoint = {
  operationId: "dashboard-stats",
  method: "GET",
  path: "/dashboard/stats",
  summary: "Figures of the account",
  scope: "usage:read",
  describe: {
    tag: "Dashboard",
    answers: [answer(200, "The figures.", DashboardStats)],
  },
  async handler(context) {
    const { account } = context.var.caller;
    const [totals, usage, recent] = await Promise.all([
      readTotals(context),
      askPartition(context, (stub) => stub.usage(account.id)),
      recentFigures(context.env.DB, account.id, Date.now()),
    ]);
    const failed = totals.failed + totals.warning + totals.skipped;
    return context.json({
      total_jobs: totals.pending + totals.processing + totals.completed + failed,
      pending_jobs: totals.pending,
      processing_jobs: totals.processing,
      completed_jobs: totals.completed,
      failed_jobs: failed,
      storage_used_bytes: usage.bytes_used,
      storage_used_gb: Math.round((usage.bytes_used / GIB) * 100) / 100,
      client_name: account.name,
      avg_processing_time_seconds: recent.average_ms === null ? null : Math.round(recent.average_ms / 100) / 10,
      today_throughput_bytes: recent.today_bytes,
    });
  },
};

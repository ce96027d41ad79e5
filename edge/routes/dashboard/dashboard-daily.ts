import { DashboardDaily } from "../../../shared/contract/views/dashboard.ts";
import { dailyFigures } from "../../db/statistics.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

const DAYS = 7;

/** `GET /dashboard/daily` (jobs API 10): seven UTC days, oldest first. */
export const dashboardDaily: Endpoint = {
  operationId: "dashboard-daily",
  method: "GET",
  path: "/dashboard/daily",
  summary: "Completed and failed jobs by day",
  scope: "usage:read",
  describe: {
    tag: "Dashboard",
    answers: [answer(200, "The figures.", DashboardDaily)],
  },
  async handler(context) {
    const account = context.var.caller.account.id;
    return context.json({ daily_stats: await dailyFigures(context.env.DB, account, DAYS, Date.now()) });
  },
};

import { z } from "zod";
import { DashboardBatches } from "../../../shared/contract/views/dashboard.ts";
import { listBatches } from "../../db/batches.ts";
import { answer } from "../../openapi/describe.ts";
import { pageQuery } from "../../openapi/queries.ts";
import type { Endpoint } from "../endpoint.ts";
import { accountFacts, askPartition } from "../jobs/job-access.ts";
import { listQuery } from "../jobs/job-list.ts";

const DEFAULT_LIMIT = 100;

/** `GET /dashboard/batches` (jobs API 10): all kinds, newest first, at most 100. */
export const dashboardBatches: Endpoint = {
  operationId: "dashboard-batches",
  method: "GET",
  path: "/dashboard/batches",
  summary: "Batches for a dashboard",
  scope: "usage:read",
  describe: {
    tag: "Dashboard",
    query: z.object(pageQuery(DEFAULT_LIMIT)),
    answers: [answer(200, "The page.", DashboardBatches)],
  },
  async handler(context) {
    const { limit, offset } = listQuery(context, DEFAULT_LIMIT);
    await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
    const batches = await listBatches(context.env.DB, context.var.caller.account.id, limit, offset);
    return context.json({
      batches: batches.map((batch) => ({
        id: batch.id,
        show_url: batch.source_url,
        folder: batch.folder,
        total_episodes: batch.total,
        completed_episodes: batch.completed,
        failed_episodes: batch.failed,
        status: batch.status,
      })),
    });
  },
};

import { DashboardCluster } from "../../../shared/contract/views/dashboard.ts";
import { configuredPartitions } from "../../auth/choose-partition.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { callPartition } from "../jobs/job-access.ts";

/** `GET /dashboard/cluster` (jobs API 10): jobs by step over the whole fleet; made to be polled every second. */
export const dashboardCluster: Endpoint = {
  operationId: "dashboard-cluster",
  method: "GET",
  path: "/dashboard/cluster",
  summary: "What the fleet does now",
  scope: "usage:read",
  describe: {
    tag: "Dashboard",
    details: "Made to be polled every second.",
    answers: [answer(200, "The figures.", DashboardCluster)],
  },
  async handler(context) {
    const { env } = context;
    const names = configuredPartitions(env);
    const counts = await Promise.all(names.map((name) => callPartition(env, name, (stub) => stub.stepCounts())));
    const sum = (pick: (each: (typeof counts)[number]) => number) =>
      counts.reduce((total, each) => total + pick(each), 0);
    return context.json({
      total_downloading: sum((each) => each.downloading),
      total_muxing: sum((each) => each.muxing),
      total_uploading: sum((each) => each.uploading),
    });
  },
};

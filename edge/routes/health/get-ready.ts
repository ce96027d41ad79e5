import { NotReady, Ready } from "../../../shared/contract/views/health.ts";
import { configuredPartitions } from "../../auth/choose-partition.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { partitionStub } from "../jobs/job-access.ts";

/** 200 once D1 answers and some node is online; 503 with what is missing. */
export const getReady: Endpoint = {
  operationId: "get-ready",
  method: "GET",
  path: "/ready",
  summary: "Whether jobs can run now",
  scope: null,
  describe: {
    tag: "Service",
    answers: [answer(200, "They can.", Ready), answer(503, "They cannot: jobs are accepted and wait.", NotReady)],
  },
  async handler(context) {
    const { env } = context;
    const missing: string[] = [];
    const d1 = await env.DB.prepare("SELECT 1 AS ok")
      .first()
      .catch(() => null);
    if (d1 === null) missing.push("the database does not answer");
    const names = configuredPartitions(env);
    const online = await Promise.all(
      names.map((name) =>
        partitionStub(env, name)
          .nodesOnline()
          .catch(() => 0),
      ),
    );
    if (online.every((count) => count === 0)) missing.push("no worker node is online");
    if (missing.length === 0) return context.json({ status: "ready" });
    return context.json({ status: "not ready", missing }, 503, { "Retry-After": "5" });
  },
};

import { NotReady, Ready } from "../../../shared/contract/views/health.ts";
import { configuredPartitions } from "../../auth/choose-partition.ts";
import { answer } from "../../openapi/describe.ts";
import { settingFaults } from "../../settings.ts";
import { askDatabase, askEach } from "../admin/ask-partitions.ts";
import type { Endpoint } from "../endpoint.ts";

/** 200 once the settings are good, D1 and every partition answer and some node is online; 503 with what is missing, after two seconds at most. */
export const getReady: Endpoint = {
  operationId: "get-ready",
  method: "GET",
  path: "/ready",
  summary: "Whether jobs can run now",
  scope: null,
  describe: {
    tag: "Service",
    answers: [
      answer(200, "They can.", Ready),
      answer(503, "They cannot, and what is missing. Without a node alone, jobs are accepted and wait.", NotReady),
    ],
  },
  async handler(context) {
    const { env } = context;
    const [d1, partitions] = await Promise.all([
      askDatabase(env.DB.prepare("SELECT 1 AS ok").first()).catch(() => null),
      askEach(env, configuredPartitions(env), async (stub) => stub.nodesOnline()),
    ]);
    const away = partitions.filter(({ answer }) => answer === null);
    const online = partitions.reduce((sum, { answer }) => sum + (answer ?? 0), 0);
    const missing = [
      ...settingFaults({ ...env }).map(({ says }) => says),
      ...(d1 === null ? ["the database does not answer"] : []),
      ...away.map(({ name }) => `partition ${name} does not answer`),
      ...(online === 0 && away.length < partitions.length ? ["no worker node is online"] : []),
    ];
    if (missing.length === 0) return context.json({ status: "ready" });
    return context.json({ status: "not ready", missing }, 503, { "Retry-After": "5" });
  },
};

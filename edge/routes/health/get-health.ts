import { Health } from "../../../shared/contract/views/health.ts";
import { answer } from "../../openapi/describe.ts";
import { VERSION } from "../../version.ts";
import type { Endpoint } from "../endpoint.ts";

export const getHealth: Endpoint = {
  operationId: "get-health",
  method: "GET",
  path: "/health",
  summary: "Whether the edge answers",
  scope: null,
  describe: {
    tag: "Service",
    answers: [answer(200, "It does.", Health)],
  },
  async handler(context) {
    return context.json({ status: "ok", version: VERSION });
  },
};

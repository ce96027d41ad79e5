import { VERSION } from "../../version.ts";
import type { Endpoint } from "../endpoint.ts";

export const getHealth: Endpoint = {
  operationId: "get-health",
  method: "GET",
  path: "/health",
  summary: "Whether the edge answers",
  scope: null,
  async handler(context) {
    return context.json({ status: "ok", version: VERSION });
  },
};

import type { Endpoint } from "../endpoint.ts";

/** `GET /api/ping`: whether this is such a server, and the credential a good one. */
export const ping: Endpoint = {
  operationId: "ping",
  method: "GET",
  path: "/api/ping",
  summary: "Whether the server answers",
  scope: "jobs:read",
  async handler(context) {
    return context.json({ status: "pong" });
  },
};

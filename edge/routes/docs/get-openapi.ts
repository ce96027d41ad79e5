import { openApiDocument } from "../../openapi/document.ts";
import type { Endpoint } from "../endpoint.ts";

/**
 * `GET /openapi.json`, without a key.
 *
 * @param endpoints asked for late: this endpoint is one of them.
 */
export function getOpenapi(endpoints: () => readonly Endpoint[]): Endpoint {
  // Made when it is first asked for: a Worker that only moves jobs never pays for it.
  let text: string | null = null;
  return {
    operationId: "get-openapi",
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    scope: null,
    describe: {
      tag: "Service",
      answers: [{ status: 200, description: "OpenAPI 3.1.", contentType: "application/json" }],
    },
    async handler() {
      text ??= JSON.stringify(openApiDocument(endpoints()));
      return new Response(text, { headers: { "Content-Type": "application/json" } });
    },
  };
}

import { openApiDocument } from "../../openapi/document.ts";
import { documentPage } from "../../openapi/page.ts";
import type { Endpoint } from "../endpoint.ts";

/** No script, nothing from anywhere else: the page is what it says. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * `GET /swagger`: the document for people, without a key and without an outside host.
 *
 * @param endpoints asked for late: this endpoint is one of them.
 */
export function getSwagger(endpoints: () => readonly Endpoint[]): Endpoint {
  let page: string | null = null;
  return {
    operationId: "get-swagger",
    method: "GET",
    path: "/swagger",
    summary: "This document as a page",
    scope: null,
    describe: {
      tag: "Service",
      answers: [{ status: 200, description: "A page that needs no other host.", contentType: "text/html" }],
    },
    async handler() {
      page ??= documentPage(openApiDocument(endpoints()));
      return new Response(page, {
        headers: {
          "Content-Type": "text/html; charset=utf-8",
          "Content-Security-Policy": POLICY,
          "X-Content-Type-Options": "nosniff",
        },
      });
    },
  };
}

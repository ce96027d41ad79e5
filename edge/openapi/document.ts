/** The OpenAPI 3.1 document of the jobs API, made of the endpoints' own words and of the schemas that validate. */
import type { z } from "zod";
import { ErrorBody } from "../../shared/contract/views/error.ts";
import { NOTICES } from "../../shared/contract/views/notices.ts";
import type { Endpoint } from "../routes/endpoint.ts";
import { VERSION } from "../version.ts";
import { TAGS } from "./describe.ts";
import { answersOf, type Described, operation } from "./operation.ts";
import { type Json, jsonSchemas } from "./schemas.ts";
import { webhooks } from "./webhooks.ts";

const ABOUT = `Turns a media URL into a file in your storage.

Ids are UUID v7, times are integers in epoch milliseconds, sizes are bytes. Bodies are JSON both ways. Every error has one
envelope, \`{"error": text}\`; an unknown path is 404 \`Not found\`, a known path with another method 405
\`Method not allowed\` with \`Allow\`. All answers carry \`X-Request-Id\`; 409 on idempotency, 429 and 503 carry \`Retry-After\`.`;

export interface OpenApiDocument extends Json {
  openapi: string;
  info: Json;
  paths: Record<string, Record<string, Json>>;
  webhooks: Record<string, Json>;
  components: { schemas: Record<string, Json>; securitySchemes: Json };
}

/** @example const { paths } = openApiDocument(ENDPOINTS); */
export function openApiDocument(endpoints: readonly Endpoint[]): OpenApiDocument {
  const described: Described[] = endpoints.flatMap((endpoint) =>
    endpoint.describe === undefined ? [] : [{ endpoint, doc: endpoint.describe }],
  );
  const inputs = jsonSchemas(new Set(described.flatMap(({ doc }) => doc.body?.schema ?? [])), "input");
  const outputs = jsonSchemas(answerSchemas(described), "output");
  const paths: OpenApiDocument["paths"] = {};
  for (const each of described) {
    const path = each.endpoint.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [each.endpoint.method.toLowerCase()]: operation(each, inputs, outputs) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Trawl jobs API",
      version: VERSION,
      description: ABOUT,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: webhooks(outputs),
    components: {
      schemas: { ...inputs.named, ...outputs.named },
      securitySchemes: {
        apiKey: {
          type: "apiKey",
          in: "header",
          name: "x-api-key",
          description: "The key; it counts if both are sent.",
        },
        bearer: { type: "http", scheme: "bearer", description: "The key, in place of `x-api-key`." },
      },
    },
  };
}

function answerSchemas(described: readonly Described[]): Set<z.ZodType> {
  const own = described.flatMap(answersOf).flatMap((answer) => answer.schema ?? []);
  return new Set([ErrorBody, ...own, ...Object.values(NOTICES)]);
}

/** Answers that every endpoint of a sort has (jobs API 1.2, 1.3), so that no endpoint has to repeat them. */
import type { Endpoint } from "../routes/endpoint.ts";
import { type AnswerDoc, type EndpointDoc, refused } from "./describe.ts";

export function commonAnswers(endpoint: Endpoint, doc: EndpointDoc): AnswerDoc[] {
  return [
    ...(doc.body === undefined ? [] : BODY_ANSWERS),
    ...(endpoint.scope === null ? [] : keyAnswers(endpoint.scope)),
    refused(500, "Our fault.", "Internal server error"),
  ];
}

const BODY_ANSWERS: readonly AnswerDoc[] = [
  refused(400, "The body is no JSON object.", "Invalid JSON body", "Request body must be a JSON object"),
  refused(413, "The body is over 1,048,576 bytes.", "Request body is too large (max 1 MiB)"),
];

function keyAnswers(scope: string): AnswerDoc[] {
  return [
    refused(401, "No key, or one that is unknown or revoked.", "Missing x-api-key header", "Invalid API Key"),
    refused(403, "The key lacks the scope of the route.", `This key lacks the scope '${scope}'`),
    refused(429, "The rate bucket of the key is empty.", "Too many requests"),
    refused(503, "The storage is being opened; a repeat is safe.", "Service is starting, try again"),
  ];
}

/** Headers of a keyed answer while the rate bucket is on. */
export const RATE_HEADERS = {
  "RateLimit-Policy": {
    description: "Bucket of the key: q is its size, w the seconds in which it fills.",
    schema: { type: "string" },
    example: '"default";q=100;w=2',
  },
  RateLimit: {
    description: "r: tokens left, t: seconds until the bucket is full.",
    schema: { type: "string" },
    example: '"default";r=99;t=1',
  },
};

/** With every 429 and 503, and while an idempotency key is in use. */
export const RETRY_AFTER = {
  "Retry-After": {
    description: "Whole seconds until a repeat makes sense.",
    schema: { type: "integer", minimum: 1 },
    example: 5,
  },
};

export const RETRY_STATUSES: readonly number[] = [409, 429, 503];

/** The document as a client gets it, and the questions that tests put to it. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Json } from "../../../edge/openapi/schemas.ts";
import { call } from "../support.ts";

export interface Operation {
  method: string;
  /** As in the document: `/jobs/{id}`. */
  path: string;
  operationId: string;
  operation: Json;
  /** JSON Pointer of the operation. */
  pointer: string;
}

export interface Media {
  schema: Json;
  examples?: Record<string, { value: unknown }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Json>>;
  webhooks: Record<string, { post: Json }>;
  components: { schemas: Record<string, Json> };
}

export async function readDocument(): Promise<Document> {
  const response = await call("/openapi.json");
  expect(response.status).toBe(200);
  return (await response.json()) as Document;
}

export function pointerTo(...keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operationId: String(operation.operationId),
      operation,
      pointer: pointerTo("paths", path, method),
    })),
  );
}

export function statusesOf({ operation }: Operation): number[] {
  return Object.keys(operation.responses as Json).map(Number);
}

export interface Checked {
  name: string;
  pointer: string;
  value: unknown;
}

/** Fails with every value that does not fit its schema exactly; undocumented keys do not fit. */
export async function expectFit(document: Document, values: readonly Checked[]): Promise<void> {
  const answer = await env.SCHEMAS.fetch("http://schemas/", {
    method: "POST",
    body: JSON.stringify({ document, values }),
  });
  expect(await answer.json()).toEqual([]);
}

/** All schemas below a value of the document, with the way to each. */
export function* schemasBelow(value: unknown, way: string): Generator<[way: string, schema: Json]> {
  if (typeof value !== "object" || value === null) return;
  if ("properties" in value && typeof value.properties === "object") yield [way, value as Json];
  for (const [key, below] of Object.entries(value)) {
    if (key !== "examples" && key !== "example") yield* schemasBelow(below, `${way}/${key}`);
  }
}

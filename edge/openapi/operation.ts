/** One endpoint as an OpenAPI operation. */
import type { z } from "zod";
import { ErrorBody } from "../../shared/contract/views/error.ts";
import type { Endpoint } from "../routes/endpoint.ts";
import { commonAnswers, RATE_HEADERS, RETRY_AFTER, RETRY_STATUSES } from "./common.ts";
import { type AnswerDoc, type EndpointDoc, isRefusal, type RefusalDoc } from "./describe.ts";
import { type Json, type JsonSchemas, jsonSchema } from "./schemas.ts";

export interface Described {
  endpoint: Endpoint;
  doc: EndpointDoc;
}

/** All answers of an endpoint: its own, then the common ones. */
export function answersOf({ endpoint, doc }: Described): AnswerDoc[] {
  return [...doc.answers, ...commonAnswers(endpoint, doc)];
}

export function operation(described: Described, inputs: JsonSchemas, outputs: JsonSchemas): Json {
  const { endpoint, doc } = described;
  const { scope } = endpoint;
  const parameters = parametersOf(doc);
  return {
    operationId: endpoint.operationId,
    tags: [doc.tag],
    summary: endpoint.summary,
    ...(doc.details === undefined ? {} : { description: doc.details }),
    // Either header carries the key; the scope stands as the role that it must have.
    security: scope === null ? [] : [{ apiKey: [scope] }, { bearer: [scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(doc.body === undefined ? {} : { requestBody: requestBody(doc.body, inputs) }),
    responses: responses(described, outputs),
  };
}

function parametersOf(doc: EndpointDoc): Json[] {
  const path = doc.id === undefined ? [] : [idParameter(doc.id)];
  return [...path, ...parameterList(doc.query, "query"), ...parameterList(doc.headers, "header")];
}

function idParameter(description: string): Json {
  return { name: "id", in: "path", required: true, description, schema: { type: "string", format: "uuid" } };
}

function parameterList(schema: z.ZodObject | undefined, place: string): Json[] {
  const { properties = {}, required = [] } = schema === undefined ? {} : jsonSchema(schema);
  return Object.entries(properties as Record<string, Json>).map(([name, { description, ...type }]) => ({
    name,
    in: place,
    required: (required as string[]).includes(name),
    description,
    schema: type,
  }));
}

function requestBody({ schema, required }: NonNullable<EndpointDoc["body"]>, inputs: JsonSchemas): Json {
  return {
    required,
    description: "The content type is not checked. Unknown fields are ignored, `null` equals an omitted field.",
    content: { "application/json": media(inputs.of.get(schema) ?? {}, examplesOf(schema)) },
  };
}

function responses(described: Described, outputs: JsonSchemas): Json {
  const byStatus = Map.groupBy(answersOf(described), (each) => each.status);
  const statuses = [...byStatus.keys()].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const docs = byStatus.get(status) ?? [];
      const keyed = described.endpoint.scope !== null && status !== 401;
      const headers = {
        ...(RETRY_STATUSES.includes(status) ? RETRY_AFTER : {}),
        ...(keyed && status !== 403 ? RATE_HEADERS : {}),
      };
      const content = contentOf(docs, outputs);
      return [
        String(status),
        {
          description: docs.map((doc) => doc.description).join(" "),
          ...(Object.keys(headers).length === 0 ? {} : { headers }),
          ...(Object.keys(content).length === 0 ? {} : { content }),
        },
      ];
    }),
  );
}

/** All that one status may carry: the bodies of its answers, and one error body for all its refusals. */
function contentOf(docs: readonly AnswerDoc[], outputs: JsonSchemas): Json {
  const refusals = docs.filter(isRefusal).flatMap((doc) => doc.refusals);
  const errors: AnswerDoc[] =
    refusals.length === 0
      ? []
      : [{ status: 0, description: "", contentType: "application/json", schema: ErrorBody, examples: refusals }];
  const bodies = [...docs.filter((doc) => !isRefusal(doc)), ...errors].filter((doc) => doc.contentType !== undefined);
  const byType = Map.groupBy(bodies, (doc) => doc.contentType ?? "");
  return Object.fromEntries(
    [...byType].map(([type, same]) => {
      const schemas = same.map((doc) => (doc.schema === undefined ? {} : (outputs.of.get(doc.schema) ?? {})));
      const examples = same.flatMap((doc) => doc.examples ?? (doc.schema === undefined ? [] : examplesOf(doc.schema)));
      const [only = {}] = schemas;
      if (type === "text/event-stream") {
        return [type, media({ type: "string", contentMediaType: type, contentSchema: { anyOf: schemas } }, examples)];
      }
      return [type, media(schemas.length === 1 ? only : { anyOf: schemas }, examples)];
    }),
  );
}

function examplesOf(schema: z.ZodType): readonly unknown[] {
  const { examples } = schema.meta() ?? {};
  return Array.isArray(examples) ? examples : [];
}

function media(schema: Json, examples: readonly unknown[]): Json {
  if (examples.length === 0) return { schema };
  const named = examples.map((value, index) => [exampleName(value, index), { value }] as const);
  return { schema, examples: Object.fromEntries(named) };
}

/** Errors are named by their text, so that a reader finds each; other examples by their place. */
function exampleName(value: unknown, index: number): string {
  const error = (value as Partial<RefusalDoc["refusals"][number]> | null)?.error;
  if (typeof error !== "string") return `example-${index + 1}`;
  return error
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

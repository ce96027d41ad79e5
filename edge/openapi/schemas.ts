/** zod schemas as JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
import { z } from "zod";

export type Json = Record<string, unknown>;

export interface JsonSchemas {
  /** What to write where a schema is used: a reference if it has a name, itself otherwise. */
  of: ReadonlyMap<z.ZodType, Json>;
  /** The named ones (`.meta({ id })`), for `components`. */
  named: Record<string, Json>;
}

/** @param io `input` for what clients send (defaults may be left out), `output` for what we answer. */
export function jsonSchemas(schemas: ReadonlySet<z.ZodType>, io: "input" | "output"): JsonSchemas {
  const list = [...schemas];
  // One object that uses them all: names are then resolved across all of them.
  const all = z.object(Object.fromEntries(list.map((schema, index) => [String(index), schema])));
  const { properties = {}, $defs = {} } = inComponents(z.toJSONSchema(all, { io, unrepresentable: "any", override }));
  return {
    of: new Map(list.map((schema, index) => [schema, (properties as Record<string, Json>)[String(index)] ?? {}])),
    named: $defs as Record<string, Json>,
  };
}

/** One schema without references. */
export function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override });
  return json;
}

function inComponents(json: object): Json {
  return JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}

function override({ jsonSchema }: { jsonSchema: Json }): void {
  // Answers may get more keys; a client made from this document must bear that.
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.type !== "integer") return;
  // The bounds of exact numbers in JavaScript say nothing, but times in milliseconds do not fit 32 bits.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum !== Number.MAX_SAFE_INTEGER) return;
  delete jsonSchema.maximum;
  jsonSchema.format = "int64";
}

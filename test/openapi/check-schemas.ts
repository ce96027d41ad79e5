/** Validates OpenAPI documents, and values against them, for tests in workerd: validators compile code, which it forbids. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export interface SchemaCheck {
  document: Record<string, unknown>;
  /** JSON Pointer of the schema in the document, and what has to fit it. */
  values: { pointer: string; value: unknown; name: string }[];
}

/** Problems of the document itself, and of each value. Empty: all is well. */
export async function checkSchemas({ document, values }: SchemaCheck): Promise<string[]> {
  const validity = await new Validator().validate(structuredClone(document));
  if (!validity.valid) return [`the document: ${JSON.stringify(validity.errors)}`];
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema(closed(document) as Record<string, unknown>, "document");
  return values.flatMap(({ pointer, value, name }) => {
    const validate = ajv.getSchema(`document#${pointer.split("/").map(encodeURIComponent).join("/")}`);
    if (validate === undefined) return [`${name}: there is no ${pointer}`];
    if (validate(value)) return [];
    return [
      `${name}: ${ajv.errorsText(validate.errors?.slice(0, 3) ?? [], { dataVar: "it" })} ${JSON.stringify(value).slice(0, 300)}`,
    ];
  });
}

/** The document says what there is; here nothing else may be: an undocumented key is a problem. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = copy.type === "object" && copy.properties !== undefined;
  return isObject && copy.additionalProperties === undefined ? { ...copy, additionalProperties: false } : copy;
}

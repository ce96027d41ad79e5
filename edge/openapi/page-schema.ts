/** JSON Schema for readers: a table of keys, types as words. */
import { anchor, code, escapeHtml, prose } from "./html.ts";
import type { Json } from "./schemas.ts";

const REF = "#/components/schemas/";

export function schemaTable(schema: Json): string {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  if (properties.length === 0) return `<p>${typeText(schema)}</p>`;
  const required = (schema.required ?? []) as string[];
  const rows = properties.map(([name, property]) => {
    const mark = required.includes(name) ? "" : " <i>optional</i>";
    return `<tr><td>${code(name)}${mark}</td><td>${typeText(property)}</td><td>${prose(String(property.description ?? ""))}${rules(property)}</td></tr>`;
  });
  return `<table><tr><th>key</th><th>type</th><th>meaning</th></tr>${rows.join("")}</table>`;
}

/** As HTML: `string or null`, `array of <link>`. */
export function typeText(schema: Json): string {
  const { $ref, anyOf, allOf, items, type } = schema as {
    $ref?: string;
    anyOf?: Json[];
    allOf?: Json[];
    items?: Json;
    type?: unknown;
  };
  if ($ref !== undefined) {
    const name = $ref.slice(REF.length);
    return `<a href="#${anchor(name)}">${escapeHtml(name)}</a>`;
  }
  const parts = anyOf ?? allOf;
  if (parts !== undefined) return parts.map(typeText).join(" or ");
  if (type === "array") return `array of ${typeText(items ?? {})}`;
  if (schema.contentSchema !== undefined) return `events with data ${typeText(schema.contentSchema as Json)}`;
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  return escapeHtml(typeof type === "string" ? type : "any");
}

const RULES = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "default"];

/** What a value must be, beyond its type. */
function rules(schema: Json): string {
  const inner = ((schema.anyOf ?? []) as Json[]).find((each) => each.type !== "null") ?? {};
  const values = (schema.enum ?? inner.enum) as unknown[] | undefined;
  const allowed = values === undefined ? [] : [`one of ${values.map((each) => code(String(each))).join(" ")}`];
  const others = RULES.filter((rule) => schema[rule] !== undefined).map(
    (rule) => `${rule} ${code(typeof schema[rule] === "string" ? schema[rule] : JSON.stringify(schema[rule]))}`,
  );
  const all = [...allowed, ...others];
  return all.length === 0 ? "" : `<br><small>${all.join(", ")}</small>`;
}

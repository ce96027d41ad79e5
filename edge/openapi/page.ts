/**
 * The document as one page without scripts: sections that open, links between schemas, a `curl` line for each operation.
 * Ready-made renderers weigh as much as the rest of the Worker (about 220 KiB gzipped) and need scripts.
 */
import { TAGS } from "./describe.ts";
import type { OpenApiDocument } from "./document.ts";
import { anchor, code, escapeHtml, prose } from "./html.ts";
import { operationSection } from "./page-operation.ts";
import { schemaTable } from "./page-schema.ts";
import { STYLE } from "./page-style.ts";
import type { Json } from "./schemas.ts";

interface Entry {
  method: string;
  path: string;
  operation: Json;
}

export function documentPage(document: OpenApiDocument): string {
  const { info, components } = document;
  const entries = [...entriesOf(document.paths), ...webhookEntries(document.webhooks)];
  const byTag = Map.groupBy(entries, ({ operation }) => String((operation.tags as string[])[0]));
  const tags = Object.entries(TAGS).filter(([tag]) => byTag.has(tag));
  const title = escapeHtml(String(info.title));
  const nav = tags.map(([tag]) => `<a href="#tag-${tag}">${tag}</a>`).join(" ");
  const sections = tags.map(([tag, text]) => {
    const operations = (byTag.get(tag) ?? []).map(({ method, path, operation }) =>
      operationSection(method, path, operation),
    );
    return `<section id="tag-${tag}"><h2>${tag}</h2><p>${prose(text)}</p>${operations.join("")}</section>`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="${anchor(name)}"><summary>${code(name)} <span>${prose(String(schema.description ?? ""))}</span>` +
      `</summary>${schemaTable(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${STYLE}</style></head><body>
<header><h1>${title} <small>${escapeHtml(String(info.version))}</small></h1>
${paragraphs(String(info.description))}
<p>Send your key as header ${code("x-api-key")}, or as ${code("Authorization: Bearer")}.
The same as a document for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
<nav>${nav} <a href="#schemas">Schemas</a></nav></header>
<main>${sections.join("\n")}
<section id="schemas"><h2>Schemas</h2>${schemas.join("\n")}</section></main></body></html>`;
}

function entriesOf(paths: OpenApiDocument["paths"]): Entry[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function webhookEntries(webhooks: OpenApiDocument["webhooks"]): Entry[] {
  return Object.entries(webhooks).map(([name, item]) => ({
    method: "to you",
    path: name,
    operation: item.post as Json,
  }));
}

function paragraphs(text: string): string {
  return text
    .split("\n\n")
    .map((each) => `<p>${prose(each)}</p>`)
    .join("");
}

/** One operation on the page. */
import { code, escapeHtml, pre, prose } from "./html.ts";
import { schemaTable, typeText } from "./page-schema.ts";
import type { Json } from "./schemas.ts";

interface Media {
  schema?: Json;
  examples?: Record<string, { value: unknown }>;
}
interface Response {
  description: string;
  content?: Record<string, Media>;
}

export function operationSection(method: string, path: string, operation: Json): string {
  const id = String(operation.operationId ?? path);
  const roles = ((operation.security ?? []) as Record<string, string[]>[]).flatMap((each) => Object.values(each));
  const scope = roles[0]?.[0];
  const parameters = (operation.parameters ?? []) as Json[];
  const body = operation.requestBody as { content: Record<string, Media>; required: boolean } | undefined;
  return [
    `<details id="${escapeHtml(id)}" class="operation"><summary><b class="${method.toLowerCase().replace(" ", "-")}">${method}</b> `,
    `${code(path)} <span>${prose(String(operation.summary ?? ""))}</span></summary>`,
    operation.description === undefined ? "" : `<p>${prose(String(operation.description))}</p>`,
    scope === undefined ? "" : `<p>Scope of the key: ${code(scope)}</p>`,
    operation.operationId === undefined ? "" : pre(curl(method, path, scope !== undefined, firstExample(body))),
    parameters.length === 0 ? "" : `<h4>Parameters</h4>${parameterTable(parameters)}`,
    body === undefined ? "" : `<h4>Body${body.required ? "" : " (optional)"}</h4>${contentText(body.content)}`,
    `<h4>Answers</h4>${responsesText(operation.responses as Record<string, Response>)}`,
    "</details>",
  ].join("");
}

function curl(method: string, path: string, keyed: boolean, body: unknown): string {
  const parts = [
    `curl -X ${method} "$TRAWL_EDGE${path}"`,
    ...(keyed ? ['-H "x-api-key: $TRAWL_API_KEY"'] : []),
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body)}'`]),
  ];
  return parts.join(" \\\n  ");
}

function firstExample(body: { content: Record<string, Media> } | undefined): unknown {
  const media = Object.values(body?.content ?? {})[0];
  return Object.values(media?.examples ?? {})[0]?.value;
}

function parameterTable(parameters: readonly Json[]): string {
  const properties = Object.fromEntries(
    parameters.map((each) => [
      `${each.name}`,
      { ...(each.schema as Json), description: `In ${each.in}. ${each.description ?? ""}` },
    ]),
  );
  const required = parameters.filter((each) => each.required === true).map((each) => String(each.name));
  return schemaTable({ properties, required });
}

function contentText(content: Record<string, Media>): string {
  return Object.entries(content)
    .map(([type, media]) => {
      const examples = Object.values(media.examples ?? {}).map((each) => pre(each.value));
      return `<p>${code(type)}: ${media.schema === undefined ? "" : typeText(media.schema)}</p>${examples.join("")}`;
    })
    .join("");
}

function responsesText(responses: Record<string, Response>): string {
  return Object.entries(responses)
    .map(
      ([status, response]) =>
        `<details><summary><b>${status}</b> ${prose(response.description)}</summary>${contentText(response.content ?? {})}</details>`,
    )
    .join("");
}

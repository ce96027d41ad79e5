/** `GET /openapi.json`: a valid document of all that there is, made of what the endpoints say. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../../edge/openapi/schemas.ts";
import { ENDPOINTS } from "../../../edge/routes/endpoints.ts";
import { call } from "../support.ts";
import {
  type Checked,
  expectFit,
  type Media,
  type Operation,
  operationsOf,
  pointerTo,
  readDocument,
  schemasBelow,
  statusesOf,
} from "./support.ts";

let document: Awaited<ReturnType<typeof readDocument>>;
let operations: Operation[];
beforeAll(async () => {
  document = await readDocument();
  operations = operationsOf(document);
});

/** Of other surfaces, which have documents of their own kind, and signed paths, which are opaque. */
const ELSEWHERE = /^\/(?:api|admin|fleet|f|metrics)(?:\/|$)/;

describe("the document", () => {
  it("needs no key, is JSON, and a valid OpenAPI 3.1 document", async () => {
    const response = await call("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(document.openapi).toMatch(/^3\.1\./);
    await expectFit(document, []);
  });

  it("has every registered endpoint of the jobs API, and nothing else", () => {
    const registered = ENDPOINTS.filter((endpoint) => !ELSEWHERE.test(endpoint.path)).map(
      (endpoint) => `${endpoint.method} ${endpoint.path.replace(/:(\w+)/g, "{$1}")} ${endpoint.operationId}`,
    );
    const documented = operations.map((each) => `${each.method} ${each.path} ${each.operationId}`);
    expect(documented.toSorted()).toEqual(registered.toSorted());
  });

  it("asks for a key and its scope exactly where the Worker does", () => {
    for (const { operationId, operation } of operations) {
      const scope = ENDPOINTS.find((endpoint) => endpoint.operationId === operationId)?.scope;
      const security = scope ? [{ apiKey: [scope] }, { bearer: [scope] }] : [];
      expect(operation.security, operationId).toEqual(security);
    }
  });

  it("describes every field of every body, and every parameter", () => {
    const silent = [...schemasBelow(document.components, ""), ...schemasBelow(document.paths, "")].flatMap(
      ([way, schema]) =>
        Object.entries(schema.properties as Record<string, Json>)
          .filter(([, property]) => !described(property))
          .map(([name]) => `${way}: ${name}`),
    );
    expect(silent).toEqual([]);
    const parameters = operations.flatMap(({ operation }) => (operation.parameters ?? []) as Json[]);
    expect(parameters.filter((each) => !each.description)).toEqual([]);
  });

  it("gives an example of every JSON answer, and the texts of every error", () => {
    const bare = operations.flatMap(({ operationId, operation }) =>
      Object.entries(operation.responses as Record<string, { content?: Record<string, Media> }>)
        .filter(([, { content = {} }]) =>
          Object.values(content).some((media) => Object.keys(media.examples ?? {}).length === 0),
        )
        .map(([status]) => `${operationId} ${status}`),
    );
    // The 200s of a replay are those of the create with `cached`; the document and its page are no example of themselves.
    expect(bare.toSorted()).toEqual([
      "create-bulk 200",
      "create-job 200",
      "get-openapi 200",
      "get-swagger 200",
      "retry-job 200",
    ]);
  });

  it("tells of 401, 403, 429, 500 and 503 wherever a key is asked for, of 400 and 413 wherever a body is read", () => {
    for (const each of operations) {
      const statuses = statusesOf(each);
      expect(statuses, each.operationId).toContain(500);
      if ((each.operation.security as unknown[]).length > 0) {
        expect(statuses, each.operationId).toEqual(expect.arrayContaining([401, 403, 429, 503]));
      }
      if (each.operation.requestBody !== undefined) {
        expect(statuses, each.operationId).toEqual(expect.arrayContaining([400, 413]));
      }
    }
  });

  it("has no example that its own schema refuses", async () => {
    await expectFit(document, [...examples()]);
  });
});

function described(property: Json): boolean {
  return property.description !== undefined || property.$ref !== undefined;
}

/** All examples of the document, each with the schema that stands beside it. */
function* examples(): Generator<Checked> {
  for (const { operationId, operation, pointer } of operations) {
    const { requestBody, responses } = operation as unknown as {
      requestBody?: { content: Record<string, Media> };
      responses: Record<string, { content?: Record<string, Media> }>;
    };
    yield* mediaExamples(operationId, `${pointer}/requestBody`, requestBody?.content);
    for (const [status, { content }] of Object.entries(responses)) {
      yield* mediaExamples(`${operationId} ${status}`, `${pointer}/responses/${status}`, content);
    }
  }
  for (const [name, { post }] of Object.entries(document.webhooks)) {
    const { content } = post.requestBody as { content: Record<string, Media> };
    yield* mediaExamples(name, pointerTo("webhooks", name, "post", "requestBody"), content);
  }
}

function* mediaExamples(name: string, pointer: string, content: Record<string, Media> = {}): Generator<Checked> {
  for (const [type, { examples = {} }] of Object.entries(content)) {
    for (const { value } of Object.values(examples)) {
      yield { name, pointer: `${pointer}${pointerTo("content", type, "schema")}`, value };
    }
  }
}

describe("GET /swagger", () => {
  it("is a page of every operation and schema that needs no key, no script and no other host", async () => {
    const response = await call("/swagger");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    const page = await response.text();
    for (const { operationId, path } of operations) {
      expect(page).toContain(`id="${operationId}"`);
      expect(page).toContain(`<code>${path}</code>`);
    }
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="schema-${name}"`);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(/);
    // What the texts have of it stands in the page as text.
    expect(page).not.toMatch(/(?:src|href)="(?!#|\/openapi\.json")/);
  });

  it("links only to places that it has", async () => {
    const page = await (await call("/swagger")).text();
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
    const lost = [...page.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]).filter((id) => !ids.has(id));
    expect(lost).toEqual([]);
  });
});

/** Accounts are walls: nobody reaches what is another one's, by any route. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Endpoint } from "../../../edge/routes/endpoint.ts";
import { ENDPOINTS } from "../../../edge/routes/endpoints.ts";
import { LIBRARY_ENDPOINTS } from "../../../edge/routes/library/endpoints.ts";
import { s3Storage } from "../storage/support.ts";
import { type Account, admin, call, newAccount, newKey, send } from "../support.ts";
import { rowsNaming } from "../tables.ts";
import { type FirstAccount, openFirstAccount } from "./first-account.ts";

let first: FirstAccount;
let second: Account;
/** Keys of the first account: one that is void, one by the scope that it alone has. */
let revoked: string;
let narrow: Record<string, string>;
beforeAll(async () => {
  first = await openFirstAccount();
  second = await newAccount();
  const { id } = first.account;
  const gone = await newKey(id);
  revoked = gone.key;
  // Used once, so that the Worker may remember it as good.
  expect((await send("GET", "/jobs", undefined, { "x-api-key": revoked })).status).toBe(200);
  expect((await admin("DELETE", `/admin/keys/${gone.id}`)).status).toBeLessThan(300);
  narrow = {};
  for (const scope of ["admin", "usage:read"]) narrow[scope] = (await newKey(id, { scopes: [scope] })).key;
});

const KEYED = ENDPOINTS.filter((endpoint) => endpoint.scope !== null);
const routes = KEYED.map((endpoint) => ({ route: `${endpoint.method} ${endpoint.path}`, endpoint }));
/** It stays open, and has a test of its own. */
const ENDLESS = "/events";

/** Of a route's path: the part that names something. */
const NAMING = /:\w+(?:\{.*\})?/;
/** … which may be a number only: every account has its own, from this on. */
const NUMBERED = "{[0-9]+}";

/** The first account's own feature of a route's kind: the first eight presets are everybody's. */
function featureIn(path: string): string {
  return path.startsWith("/api/presets") ? "9" : "1";
}

/** A route's paths with everything of the first account that could stand in them. */
function pathsTo(endpoint: Endpoint): string[] {
  if (!endpoint.path.includes(":")) return [endpoint.path];
  if (endpoint.path.includes(NUMBERED)) return [endpoint.path.replace(NAMING, featureIn(endpoint.path))];
  return [...first.ids, "first-secret-name.mp4"].map((id) => endpoint.path.replace(NAMING, id));
}

/** A body that the route would take. */
function bodyOf(endpoint: Endpoint): unknown {
  const url = "https://media.example.com/second";
  switch (endpoint.operationId) {
    case "create-bulk":
      return { jobs: [{ url }] };
    case "rename-batch-jobs":
      return { renames: [{ job_id: first.job, filename: "mine now" }] };
    case "set-s3-storage":
    case "set-bucket":
      return s3Storage("b-second");
    case "set-slack":
      return { webhook_url: "https://hooks.slack.com/services/second" };
    default:
      return { url, batch_id: first.batch, job_id: first.job };
  }
}

async function ask(endpoint: Endpoint, path: string, headers: Record<string, string>) {
  const body = endpoint.method === "GET" || endpoint.method === "DELETE" ? null : JSON.stringify(bodyOf(endpoint));
  const response = await call(path, { method: endpoint.method, headers, body });
  const { status } = response;
  return { status, text: status === 101 ? "" : await response.text() };
}

function expectNothingOfTheFirst(text: string): void {
  for (const secret of first.secrets) expect(text).not.toContain(secret);
}

describe.each(routes.filter(({ endpoint }) => endpoint.path !== ENDLESS))("$route", ({ endpoint }) => {
  it("with another account's key finds nothing of the first, and changes nothing of it", async () => {
    const before = await rowsNaming(...first.secrets);
    expect(before.length).toBeGreaterThan(20);
    for (const path of pathsTo(endpoint)) {
      for (const query of queriesOf(endpoint)) {
        const { status, text } = await ask(endpoint, path + query, { "x-api-key": second.key });
        if (path !== endpoint.path) expect(status, path).toBe(unknownStatus(endpoint));
        else expect(status, text).toBeLessThan(504);
        expectNothingOfTheFirst(text);
      }
    }
    expect(await rowsNaming(...first.secrets)).toEqual(before);
  });
});

/** Of the ticket of a ZIP its API says so with the status of a bad one (library API 9.6). */
function unknownStatus({ operationId }: Endpoint): number {
  return operationId === "fetch-zip" ? 400 : 404;
}

/** Ways to ask for the first account's things beside the path. */
function queriesOf(endpoint: Endpoint): string[] {
  if (endpoint.method === "DELETE") return ["", "?force=true"];
  if (endpoint.method !== "GET" || endpoint.path.includes(":")) return [""];
  const { batch, job, cursor } = first;
  return ["", `?batch_id=${batch}`, `?job_id=${job}`, `?cursor=${cursor}`, "?limit=100", "?last_event_id=0"];
}

describe.each(routes)("$route is closed", ({ endpoint }) => {
  const nobodys = endpoint.path.includes(NUMBERED) ? "77" : "01a2310c-0100-726b-b2a7-4de452e6b438";
  const path = endpoint.path.replace(NAMING, nobodys);

  it("to nobody's, an unknown and a revoked key with 401, to one without the scope with 403", async () => {
    const other = narrow[endpoint.scope === "admin" ? "usage:read" : "admin"] ?? "";
    const answers = [
      await ask(endpoint, path, {}),
      await ask(endpoint, path, { "x-api-key": "sk_nobody_has_this_key" }),
      await ask(endpoint, path, { "x-api-key": revoked }),
      await ask(endpoint, path, { "x-api-key": other }),
    ];
    expect(answers.map((each) => each.status)).toEqual([401, 401, 401, 403]);
    const texts = answers.map((each) => Object.values(JSON.parse(each.text) as object)[0]);
    if (!path.startsWith("/api/")) {
      expect(texts.slice(0, 3)).toEqual(["Missing x-api-key header", "Invalid API Key", "Invalid API Key"]);
    }
    const lacks = `lacks the scope '${endpoint.scope}'`;
    expect(texts[3]).toBe(LIBRARY_ENDPOINTS.includes(endpoint) ? `This credential ${lacks}.` : `This key ${lacks}`);
    for (const { text } of answers) expectNothingOfTheFirst(text);
  });
});

it("GET /events tells an account its own jobs and no others, from whatever id on", async () => {
  const response = await call("/events?last_event_id=0", { headers: { "x-api-key": second.key } });
  expect(response.status).toBe(200);
  await first.account.createJob();
  const own = await second.createJob();
  let text = "";
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes(own)) break;
  }
  expectNothingOfTheFirst(text);
});

/** How the library API is reached, and how it words what goes wrong before any route (sections 1.1 and 1.3). */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { AppError, unavailable } from "../../../edge/app-error.ts";
import type { Endpoint } from "../../../edge/routes/endpoint.ts";
import type { AppContext } from "../../../edge/routes/http.ts";
import { libraryApp } from "../../../edge/routes/library/app.ts";
import { readLibraryJson } from "../../../edge/routes/library/library-body.ts";
import { failedToValidate, valueError } from "../../../edge/routes/library/library-error.ts";
import { libraryPath } from "../../../edge/routes/library/surface.ts";
import { type Account, newAccount, newKey, ORIGIN } from "../support.ts";
import { ask, said } from "./support.ts";

const GOOD = [200, { status: "pong" }];
const NOT_FOUND = [404, "404: Not Found"];
const NOT_ALLOWED = [405, "405: Method Not Allowed"];
const MISSING = [401, { error: "Authorization Required." }];
const UUID = "01a2310c-0100-726b-b2a7-4de452e6b438";

let account: Account;
let headers: Record<string, string>;
beforeAll(async () => {
  account = await newAccount();
  headers = { "x-api-key": account.key };
});

/** CORS headers as the spec lists them; the general ones of the other surfaces are none of them. */
function corsOf(response: Response): Record<string, string | null> {
  const names = ["Origin", "Methods", "Headers", "Credentials"].map((name) => `Access-Control-Allow-${name}`);
  const all = [...names, "Access-Control-Max-Age", "Access-Control-Expose-Headers"];
  return Object.fromEntries(all.map((name) => [name, response.headers.get(name)]));
}

const cors = (origin: string) => ({
  "Access-Control-Allow-Origin": origin,
  "Access-Control-Allow-Methods": "GET, PATCH, PUT, POST, DELETE",
  "Access-Control-Allow-Headers": "Content-Type, Authorization",
  "Access-Control-Allow-Credentials": "true",
  "Access-Control-Max-Age": "900",
  "Access-Control-Expose-Headers": null,
});

describe("every answer has the surface's own CORS headers", () => {
  it.each<[string, string, string, boolean, number]>([
    ["a good one", "GET", "/api/ping", true, 200],
    ["a missing credential", "GET", "/api/ping", false, 401],
    ["an unknown path", "GET", "/api/nothing", true, 404],
    ["a wrong method", "PUT", "/api/ping", true, 405],
    ["a missing scope", "POST", "/api/system/shutdown", true, 403],
    ["a refusal", "GET", "/api/dev/pip", true, 403],
    ["a preflight", "OPTIONS", "/api/ping", false, 204],
    ["HEAD", "HEAD", "/api/ping", true, 200],
  ])("%s", async (_, method, path, signedIn, status) => {
    const own = signedIn ? headers : {};
    const answer = await ask(path, { method, headers: { ...own, origin: "https://ui.example.com" } });
    expect(answer.status).toBe(status);
    expect(corsOf(answer)).toEqual(cors("https://ui.example.com"));
    expect(answer.headers.get("vary")).toBe("Origin");
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(corsOf(await ask(path, { method, headers: own }))).toEqual(cors("*"));
  });

  it("those of the other surfaces stay theirs", async () => {
    for (const path of ["/jobs", "/api/downloads", `/api/download/${UUID}/file`, "/nothing"]) {
      const answer = await ask(path, { headers: { ...headers, origin: "https://ui.example.com" } });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });
});

it("JSON says its encoding, errors too", async () => {
  for (const path of ["/api/ping", "/api/dev/pip"]) {
    expect((await ask(path, { headers })).headers.get("content-type")).toBe("application/json; charset=utf-8");
  }
});

describe("credentials come before path and method", () => {
  it.each([
    ["GET", "/api/nothing"],
    ["GET", "/api"],
    ["PUT", "/api/ping"],
    ["OPTIONS", "/api/nothing"],
    ["GET", "/ws/x"],
  ])("%s %s without one is 401", async (method, path) => {
    // `/ws/x` is below nothing of this surface.
    const expected = path === "/ws/x" ? [404, { error: "Not found" }] : MISSING;
    expect(await said(await ask(path, { method }))).toEqual(expected);
  });

  it("with one, of whatever scope, it is 404 and 405 as text, which names the methods", async () => {
    const { key } = await newKey(account.id, { scopes: ["usage:read"] });
    for (const own of [headers, { "x-api-key": key }]) {
      const unknown = await ask("/api/nothing", { headers: own });
      expect(unknown.headers.get("content-type")).toMatch(/^text\/plain/);
      expect(await said(unknown)).toEqual(NOT_FOUND);
      const wrong = await ask("/api/ping", { method: "PUT", headers: own });
      expect(wrong.headers.get("content-type")).toMatch(/^text\/plain/);
      expect(wrong.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
      expect(await said(wrong)).toEqual(NOT_ALLOWED);
    }
  });

  it("but a preflight of a known path needs none and is 204, empty", async () => {
    const answer = await ask("/api/system/shutdown", { method: "OPTIONS" });
    expect(await said(answer)).toEqual([204, ""]);
  });
});

describe("the path", () => {
  it("may end with a slash, and have escapes", async () => {
    for (const path of ["/api/ping/", "/api/p%69ng", "/%61pi/ping", "/api%2Fping", "/api/ping?x=/"]) {
      expect(await said(await ask(path, { headers }))).toEqual(GOOD);
    }
    expect(await said(await ask("/api/ping//", { headers }))).toEqual(NOT_FOUND);
  });

  const at = (path: string, TRAWL_PUBLIC_URL?: string) =>
    libraryPath(new Request(ORIGIN + path), TRAWL_PUBLIC_URL === undefined ? {} : { TRAWL_PUBLIC_URL });

  it.each<[string, string | null]>([
    ["/api/ping", "/api/ping"],
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/ws", "/ws"],
    ["/ws/", "/ws"],
    ["/", null],
    ["/jobs", null],
    ["/apis", null],
    ["/wsx", null],
    // The downloads API's.
    ["/api/download", null],
    ["/api/download/", null],
    ["/api/downloads/x", null],
    ["/api/info", null],
    ["/api/thumbnails/x", null],
    ["/api/stream/x.mp4", null],
    [`/api/download/${UUID}/file`, null],
    // Files of the library (9.7).
    ["/api/download/nope/file", "/api/download/nope/file"],
    [`/api/download/${UUID}/file.mp4`, `/api/download/${UUID}/file.mp4`],
    [`/api/download/ch/${UUID}/file`, `/api/download/ch/${UUID}/file`],
    ["/api/download/a.mp4", "/api/download/a.mp4"],
    ["/api/download/a%2Fb%20c%3F.mp4", "/api/download/a/b%20c%3F.mp4"],
    ["/api/download/100%.mp4", "/api/download/100%25.mp4"],
    ["/api/download/%252e.mp4", "/api/download/%252e.mp4"],
    ["/api/download/a/", "/api/download/a/"],
    ["/api/file/browser/a/", "/api/file/browser/a/"],
    ["/api/file/browser/", "/api/file/browser/"],
    ["/api/thumbnail", "/api/thumbnail"],
  ])("%s is this surface's as %j", (path, routed) => {
    expect(at(path)).toBe(routed);
  });

  it.each<[string, string, string | null]>([
    ["https://media.test/trawl", "/trawl/api/ping", "/api/ping"],
    ["https://media.test/trawl/", "/trawl/api/ping/", "/api/ping"],
    ["https://media.test/a/b/", "/a/b/ws", "/ws"],
    ["https://media.test/trawl", "/trawl", "/"],
    ["https://media.test/trawl", "/trawl/", "/"],
    ["https://media.test/trawl", "/api/ping", null],
    ["https://media.test/trawl", "/trawler/api/ping", null],
    ["https://media.test/trawl", "/ws", null],
    // Where no other surface is, the whole of it is the library's.
    ["https://media.test/trawl", "/trawl/api/download/a.mp4", "/api/download/a.mp4"],
    ["https://media.test/trawl", "/trawl/jobs", null],
    ["https://media.test/", "/api/ping", "/api/ping"],
    ["https://media.test", "/api/ping", "/api/ping"],
  ])("with TRAWL_PUBLIC_URL=%s, %s is this surface's as %j", (publicUrl, path, routed) => {
    expect(at(path, publicUrl)).toBe(routed);
  });

  it("has the base path before it, to which / leads; the other surfaces stay where they are", async () => {
    const based = { headers, env: { TRAWL_PUBLIC_URL: "https://media.test/trawl" } };
    const root = await ask("/", based);
    expect([root.status, root.headers.get("location")]).toEqual([302, "/trawl/"]);
    expect(await said(await ask("/trawl/api/ping", based))).toEqual(GOOD);
    expect(await said(await ask("/trawl/api/nothing", based))).toEqual(NOT_FOUND);
    expect(await said(await ask("/trawl/", { ...based, headers: {} }))).toEqual(MISSING);
    expect(await said(await ask("/api/ping", based))).toEqual([404, { error: "Not found" }]);
    expect((await ask("/jobs", based)).status).toBe(200);
    expect((await ask("/api/downloads", based)).status).toBe(200);
    expect((await ask("/", { headers })).status).toBe(404);
  });
});

describe("the router", () => {
  const at = (path: string, method: Endpoint["method"] = "GET"): Endpoint => ({
    operationId: path,
    method,
    path,
    summary: path,
    scope: method === "GET" ? "jobs:read" : "jobs:write",
    handler: async (context: AppContext) => context.json({ path, ...context.req.param() }),
  });
  const app = libraryApp([
    at("/api/tasks/:id{[0-9]+}"),
    at("/api/tasks/inspect", "POST"),
    at("/api/history/:id"),
    at("/api/history/add"),
    at("/api/download/:file{.+}"),
  ]);
  const get = async (path: string, method = "GET") =>
    said(await app.fetch(new Request(ORIGIN + path, { method, headers }), env, createExecutionContext()));

  it("takes digits alone where an id is digits", async () => {
    expect(await get("/api/tasks/17/")).toEqual([200, { path: "/api/tasks/:id{[0-9]+}", id: "17" }]);
    for (const path of ["/api/tasks/x", "/api/tasks/1x", "/api/tasks/-1"]) expect(await get(path)).toEqual(NOT_FOUND);
  });

  it("takes a fixed segment before an id, whatever the method", async () => {
    expect(await get("/api/tasks/inspect")).toEqual(NOT_ALLOWED);
    expect(await get("/api/history/add")).toEqual([200, { path: "/api/history/add" }]);
    expect(await get("/api/history/x.y%3Fz")).toEqual([200, { path: "/api/history/:id", id: "x.y?z" }]);
  });

  it("gives a file's path decoded once", async () => {
    const file = async (path: string) => ((await get(`/api/download/${path}`))[1] as { file: string }).file;
    expect(await file("ch/m3.mp4")).toBe("ch/m3.mp4");
    expect(await file("ch%2Fm%203.mp4")).toBe("ch/m 3.mp4");
    expect(await file("50%2525%2541.mp4")).toBe("50%25%41.mp4");
    expect(await file("%C3%BC%5C%00.mp4")).toBe("ü\\\0.mp4");
    expect(await file("%FF.mp4")).toBe("%FF.mp4");
  });
});

describe("what goes wrong has the words of this surface", () => {
  const thrower = (error: unknown): Endpoint => ({
    operationId: "x",
    method: "POST",
    path: "/api/x",
    summary: "x",
    scope: "jobs:write",
    async handler(context) {
      if (error === null) return context.json(await readLibraryJson(context));
      throw error;
    },
  });
  const post = async (error: unknown, body: BodyInit = "") => {
    const request = new Request(`${ORIGIN}/api/x`, { method: "POST", headers, body });
    const answer = await libraryApp([thrower(error)]).fetch(request, env, createExecutionContext());
    expect(corsOf(answer)).toEqual(cors("*"));
    return { answer, said: await said(answer) };
  };

  it.each<[string, BodyInit, [number, string]]>([
    ["no JSON", "{", [400, "Invalid JSON."]],
    ["nothing", "", [400, "Invalid JSON."]],
    ["1,001 elements", JSON.stringify(Array(1001).fill(0)), [400, "Too many items (max 1000)."]],
    ["more than 1 MiB", `"${"x".repeat(1_048_575)}"`, [413, "Request body is too large (max 1 MiB)."]],
  ])("a body of %s", async (_, body, [status, error]) => {
    expect((await post(null, body)).said).toEqual([status, { error }]);
  });

  it("a body just as large as may be, of whatever type it says", async () => {
    const text = `"${"x".repeat(1_048_574)}"`;
    expect((await post(null, text)).said[0]).toBe(200);
    expect((await post(null, JSON.stringify(Array(1000).fill(0)))).said[0]).toBe(200);
  });

  it("a queue that is full, no node, one that is late, and what is our own fault", async () => {
    const full = await post(unavailable("Queue is full", 30));
    expect([full.said, full.answer.headers.get("retry-after")]).toEqual([[503, { error: "Queue is full." }], "30"]);
    const alone = await post(unavailable("No worker node is online", 5));
    expect(alone.said).toEqual([503, { error: "No worker node is online." }]);
    const late = await post(new AppError("timed_out", "Extraction timed out"));
    expect(late.said).toEqual([504, { error: "The worker node did not answer in time." }]);
    const fault = await post(new AppError("internal", "what went wrong inside"));
    expect(fault.said).toEqual([500, { error: "Internal Server Error" }]);
  });

  it("a feature with bad fields", async () => {
    const detail = valueError(["cli"], "CLI must be a string.");
    expect((await post(failedToValidate("preset", [detail]))).said).toEqual([
      400,
      {
        error: "Failed to validate preset.",
        detail: [{ loc: ["cli"], msg: "Value error, CLI must be a string.", type: "value_error" }],
      },
    ]);
  });
});

it("GET /api/dev/loop and /api/dev/pip are refused", async () => {
  for (const path of ["/api/dev/loop", "/api/dev/pip"]) {
    const error = "This endpoint is only available in development mode.";
    expect(await said(await ask(path, { headers }))).toEqual([403, { error }]);
  }
});

describe("POST /api/system/shutdown", () => {
  const shutdown = async (HOST?: Fetcher) => {
    const { key } = await newKey(account.id, { scopes: ["admin"] });
    const asked = { method: "POST", headers: { "x-api-key": key } };
    return said(await ask("/api/system/shutdown", HOST === undefined ? asked : { ...asked, env: { HOST } }));
  };

  it("tells the host of the embedded stack", async () => {
    const told: string[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      told.push(`${init.method} ${url}`);
      return new Response(null, { status: 202 });
    };
    const answer = await shutdown({ fetch } as unknown as Fetcher);
    expect(answer).toEqual([200, { message: "The application shutting down." }]);
    expect(told).toEqual(["POST http://host/shutdown"]);
  });

  it("is 400 elsewhere", async () => {
    expect(await shutdown()).toEqual([400, { error: "Shutdown is only available in the native mode." }]);
  });
});

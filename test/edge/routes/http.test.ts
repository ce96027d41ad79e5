/** What every answer has in common: statuses, the error envelope, headers, the rate bucket (jobs API 1.1–1.3). */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Env, envNumber } from "../../../edge/env.ts";
import worker from "../../../edge/index.ts";
import { type Account, call, newAccount, newKey, ORIGIN, refusal, send } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

const UUID = "01a2310c-0100-726b-b2a7-4de452e6b438";
const KEYED = [
  ["POST", "/jobs", "jobs:write"],
  ["GET", "/jobs", "jobs:read"],
  ["GET", `/jobs/${UUID}`, "jobs:read"],
  ["DELETE", `/jobs/${UUID}`, "jobs:write"],
  ["GET", `/jobs/${UUID}/events`, "jobs:read"],
] as const;

describe.each(KEYED)("%s %s", (method, path, scope) => {
  it("without a key is 401 Missing x-api-key header", async () => {
    expect(refusal(await send(method, path))).toEqual({ status: 401, error: "Missing x-api-key header" });
  });

  it("with an unknown key is 401 Invalid API Key", async () => {
    const answer = await send(method, path, undefined, { "x-api-key": "sk_nobody_has_this_key" });
    expect(refusal(answer)).toEqual({ status: 401, error: "Invalid API Key" });
  });

  it(`with a key that lacks ${scope} is 403, before anything of the request is looked at`, async () => {
    const { key } = await newKey(account.id, { scopes: ["usage:read"] });
    const answer = await send(method, path, undefined, { "x-api-key": key });
    expect(refusal(answer)).toEqual({ status: 403, error: `This key lacks the scope '${scope}'` });
  });
});

describe("paths and methods", () => {
  it.each(["/", "/nope", "/job", "/user/gdrive", "/batch", "/admin", "/f", "/_store/x"])(
    "%s is 404 Not found",
    async (path) => {
      expect(refusal(await send("GET", path))).toEqual({ status: 404, error: "Not found" });
    },
  );

  it.each([
    ["PUT", "/jobs", ["GET", "POST"]],
    ["DELETE", "/jobs", ["GET", "POST"]],
    ["POST", `/jobs/${UUID}`, ["GET", "DELETE"]],
    ["PATCH", `/jobs/${UUID}`, ["GET", "DELETE"]],
    ["POST", `/jobs/${UUID}/events`, ["GET"]],
    ["POST", "/health", ["GET"]],
    ["GET", "/admin/enrolments", ["POST"]],
    ["DELETE", `/f/x/y`, ["GET"]],
  ])("%s %s is 405 and names what is allowed, key or no key", async (method, path, allowed) => {
    const answer = await send(method, path);
    expect(refusal(answer)).toEqual({ status: 405, error: "Method not allowed" });
    const allow = (answer.headers.get("allow") ?? "").split(", ");
    expect(allow).toEqual(expect.arrayContaining(allowed));
    expect(allow).not.toContain(method);
  });

  it.each(["nope", "1", UUID.slice(1), `${UUID}0`, "%00", "..%2f"])(
    "an id that is no UUID (%s) is unknown: 404 Job not found",
    async (id) => {
      for (const [method, path] of [
        ["GET", ""],
        ["DELETE", ""],
        ["GET", "/events"],
      ] as const) {
        const answer = await account.api(method, `/jobs/${id}${path}`);
        expect(refusal(answer)).toEqual({ status: 404, error: "Job not found" });
      }
    },
  );

  it("an unknown UUID is 404 Job not found", async () => {
    expect(refusal(await account.api("GET", `/jobs/${UUID}`))).toEqual({ status: 404, error: "Job not found" });
    expect(refusal(await account.api("DELETE", `/jobs/${UUID}`))).toEqual({ status: 404, error: "Job not found" });
  });
});

describe("headers", () => {
  const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

  it.each([
    ["a success", "GET", "/jobs", 200],
    ["a refusal", "POST", "/jobs", 400],
    ["an unknown job", "GET", `/jobs/${UUID}`, 404],
    ["an unknown path", "GET", "/nope", 404],
    ["another method", "PUT", "/jobs", 405],
    ["the health page", "GET", "/health", 200],
  ])("%s: no-store, a request id, CORS for any origin without credentials", async (_, method, path, status) => {
    const [one, other] = [await account.api(method, path), await account.api(method, path)];
    expect(one.status).toBe(status);
    expect(one.headers.get("cache-control")).toBe("no-store");
    expect(one.headers.get("x-request-id")).toMatch(UUID_V4);
    expect(one.headers.get("x-request-id")).not.toBe(other.headers.get("x-request-id"));
    expect(one.headers.get("access-control-allow-origin")).toBe("*");
    expect(one.headers.has("access-control-allow-credentials")).toBe(false);
    expect(one.headers.get("content-type")).toMatch(/^application\/json/);
  });

  it("a preflight needs no key and allows the documented headers", async () => {
    const headers = { origin: "https://app.example.com", "access-control-request-method": "DELETE" };
    const answer = await call(`/jobs/${UUID}`, { method: "OPTIONS", headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    const allowed = (answer.headers.get("access-control-allow-headers") ?? "").split(", ");
    expect(allowed.sort()).toEqual(
      ["x-api-key", "authorization", "content-type", "x-idempotency-key", "last-event-id"].sort(),
    );
    expect(answer.headers.get("access-control-allow-methods")).toContain("DELETE");
    expect(answer.headers.get("x-request-id")).toMatch(UUID_V4);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("HEAD answers as GET does, without a body", async () => {
    const answer = await call("/jobs", { method: "HEAD", headers: { "x-api-key": account.key } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("");
  });
});

describe("the rate bucket of a key", () => {
  it("is told on every keyed answer, errors too: burst, window, what is left, when it is full", async () => {
    const slow = await newAccount({ limits: { rate_per_second: 5 } });
    const first = await slow.api("GET", "/jobs");
    expect(first.headers.get("ratelimit-policy")).toBe('"default";q=10;w=2');
    expect(first.headers.get("ratelimit")).toBe('"default";r=9;t=1');
    const second = await slow.api("POST", "/jobs", "{");
    expect(second.status).toBe(400);
    expect(second.headers.get("ratelimit")).toMatch(/^"default";r=[89];t=1$/);
  });

  it("by default holds 100 and refills 50 a second", async () => {
    const plain = await newAccount();
    const { key } = await newKey(plain.id, { limits: { rate_per_second: 50 } });
    const answer = await send("GET", "/jobs", undefined, { "x-api-key": key });
    expect(answer.headers.get("ratelimit-policy")).toBe('"default";q=100;w=2');
  });

  it("empty: 429 Too many requests with Retry-After in whole seconds, and nothing is done", async () => {
    const slow = await newAccount({ limits: { rate_per_second: 1 } });
    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await slow.api("POST", "/jobs", { url: "https://media.example.com/v1" }));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 429]);
    const [, , last] = answers;
    expect(last?.body).toEqual({ error: "Too many requests" });
    expect(last?.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(last?.headers.get("ratelimit")).toMatch(/^"default";r=0;t=\d+$/);
    const other = await newKey(slow.id, { limits: { rate_per_second: 100 } });
    const list = await send("GET", "/jobs", undefined, { "x-api-key": other.key });
    expect(list.body.total).toBe(2);
  });

  it("belongs to the key, not to the account", async () => {
    const slow = await newAccount({ limits: { rate_per_second: 1 } });
    for (let n = 0; n < 2; n++) await slow.api("GET", "/jobs");
    expect((await slow.api("GET", "/jobs")).status).toBe(429);
    const other = await newKey(slow.id);
    expect((await send("GET", "/jobs", undefined, { "x-api-key": other.key })).status).toBe(200);
  });
});

it("GET /health answers without a key, GET /ready says what is missing", async () => {
  expect((await send("GET", "/health")).body).toEqual({ status: "ok", version: expect.any(String) });
  const ready = await send("GET", "/ready");
  expect(ready.status).toBe(503);
  expect(ready.body).toMatchObject({ missing: ["no worker node is online"] });
});

describe("settings that the Worker cannot use", () => {
  const bad = { TRAWL_MAX_PENDING: "many", TRAWL_RATE: "-1", TRAWL_STORE: "floppy", TRAWL_KEK: "c2VjcmV0:k1" };
  const says = [
    "TRAWL_MAX_PENDING must be a number of at least 0",
    "TRAWL_RATE must be a number of at least 0",
    "TRAWL_STORE must be disk or r2",
    "TRAWL_KEK must be id:base64[,id:base64], keys of 32 bytes",
  ];
  const ask = async (path: string, changes: Record<string, unknown>) => {
    const answer = await worker.fetch(
      new Request(ORIGIN + path),
      { ...env, ...changes } as Env,
      createExecutionContext(),
    );
    return { status: answer.status, body: (await answer.json()) as { missing?: string[] } };
  };
  afterEach(() => vi.restoreAllMocks());

  it("are named by GET /ready, without their values", async () => {
    const { status, body } = await ask("/ready", bad);
    expect([status, body.missing?.filter((each) => each.startsWith("TRAWL_"))]).toEqual([503, says]);
  });

  it("are told once in the log, as an error", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const twice = { ...bad, TRAWL_DEADLINE_MS: "2h" };
    await ask("/health", twice);
    await ask("/health", twice);
    const told = lines.mock.calls.map(([line]) => JSON.parse(String(line)) as { event: string });
    expect(told.filter(({ event }) => event === "settings.refused")).toEqual([
      expect.objectContaining({ level: "error", problems: expect.stringContaining("TRAWL_DEADLINE_MS must be") }),
    ]);
    expect(JSON.stringify(told)).not.toContain("2h");
  });

  it("are not those that wrangler makes numbers of, nor empty ones", async () => {
    const good = { TRAWL_MAX_PENDING: 500, TRAWL_RATE: " 0.5 ", TRAWL_HISTORY_DAYS: "", TRAWL_STORE: "r2" };
    expect((await ask("/ready", good)).body.missing).toEqual(["no worker node is online"]);
    expect([500, " 0.5 ", "", undefined, "1e3", "-1"].map((each) => envNumber(each as string, 7))).toEqual([
      500, 0.5, 7, 7, 7, 7,
    ]);
  });
});

/** The cookie of browsers (library API 1.2). */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { forgetSessions } from "../../../edge/db/browser-sessions.ts";
import type { Endpoint } from "../../../edge/routes/endpoint.ts";
import { libraryApp } from "../../../edge/routes/library/app.ts";
import { type Account, admin, newAccount, newKey, ORIGIN } from "../support.ts";
import { ask, basic, said, setUser } from "./support.ts";

const DAY_MS = 86_400_000;
const GOOD = [200, { status: "pong" }];
const INVALID = [401, { error: "Unauthorized (Invalid credentials)." }];

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

function page(name: string, headers: Record<string, string>, status = 200): Endpoint {
  const handler = async () => new Response(status === 200 ? "x" : null, { status, headers });
  return { operationId: name, method: "GET", path: `/api/${name}`, summary: name, scope: "jobs:read", handler };
}

/** The surface with answers of every kind. */
const app = libraryApp([
  page("page", { "Content-Type": "text/html; charset=utf-8" }),
  page("away", { Location: "/elsewhere" }, 302),
  page("playlist", { "Content-Type": "application/x-mpegurl" }),
]);

interface Visit {
  headers?: Record<string, string>;
  origin?: string;
  env?: Partial<typeof env>;
}

async function cookieOf(path: string, { headers = {}, origin = ORIGIN, env: changed = {} }: Visit = {}) {
  const request = new Request(origin + path, { headers, redirect: "manual" });
  return (await app.fetch(request, { ...env, ...changed }, createExecutionContext())).headers.get("set-cookie");
}

/** As a browser sends it back. */
async function session(headers: Record<string, string>): Promise<{ cookie: string }> {
  const cookie = await cookieOf("/api/page", { headers });
  return { cookie: `theme=dark; ${cookie?.split(";")[0]}` };
}

const ping = (headers: Record<string, string>) => ask("/api/ping", { headers }).then(said);
const SHAPE = /^auth=[\w-]{32}\.[\w-]{43}; HttpOnly; Max-Age=604800; Path=\/; SameSite=Strict; Secure$/;

describe("a session is given", () => {
  it("with pages and answers without a type, to who signs in by Authorization or in the query", async () => {
    for (const path of ["/api/page", "/api/away"]) {
      expect(await cookieOf(path, { headers: basic(`a:${account.key}`) })).toMatch(SHAPE);
      expect(await cookieOf(path, { headers: { authorization: `Bearer ${account.key}` } })).toMatch(SHAPE);
      expect(await cookieOf(`${path}?apikey=${account.key}`)).toMatch(SHAPE);
    }
  });

  it("not with other answers, other ways to sign in, or to nobody", async () => {
    const headers = basic(`a:${account.key}`);
    expect(await cookieOf("/api/playlist", { headers })).toBeNull();
    expect(await cookieOf("/api/unknown", { headers })).toBeNull();
    expect((await ask("/api/ping", { headers })).headers.get("set-cookie")).toBeNull();
    expect(await cookieOf("/api/page", { headers: { "x-api-key": account.key } })).toBeNull();
    expect(await cookieOf("/api/page", { headers: await session(headers) })).toBeNull();
    expect(await cookieOf("/api/page", { headers: basic("a:sk_nobody") })).toBeNull();
    expect(await cookieOf("/api/page")).toBeNull();
  });

  it("as Secure over https alone, as far as can be known", async () => {
    const headers = basic(`a:${account.key}`);
    const secure = async (visit: Visit) =>
      (await cookieOf("/api/page", { headers, ...visit }))?.endsWith("; SameSite=Strict; Secure");
    expect(await secure({ origin: "https://edge.test" })).toBe(true);
    expect(await secure({ origin: "http://edge.test" })).toBe(false);
    // A proxy ends TLS, and says so, or the operator does.
    const forwarded = { ...headers, "x-forwarded-proto": "https", "x-forwarded-host": "media.test" };
    expect(await secure({ origin: "http://10.0.0.5", headers: forwarded })).toBe(false);
    expect(await secure({ origin: "http://10.0.0.5", headers: forwarded, env: { TRAWL_TRUST_PROXY: "1" } })).toBe(true);
    const told = { TRAWL_PUBLIC_URL: "https://media.test" };
    expect(await secure({ origin: "http://media.test", env: told })).toBe(true);
    expect(await secure({ origin: "http://10.0.0.5", env: told })).toBe(false);
  });
});

describe("the cookie", () => {
  it("names no credential, and is good for it", async () => {
    const own = await newAccount();
    const { name, password } = await setUser(own);
    for (const headers of [basic(`${name}:${password}`), { authorization: `Bearer ${own.key}` }]) {
      const cookie = await session(headers);
      expect(JSON.stringify(cookie)).not.toContain(own.key);
      expect(await ping(cookie)).toEqual(GOOD);
    }
  });

  it("is the same for all browsers of a credential on one day, so that a client without one makes no rows", async () => {
    const own = await newAccount();
    const cookies = await Promise.all(Array.from({ length: 5 }, () => session({ authorization: `Bearer ${own.key}` })));
    expect(new Set(cookies.map((each) => each.cookie)).size).toBe(1);
    const rows = env.DB.prepare("SELECT credential, expires_at, day FROM browser_sessions WHERE account_id = ?");
    const { results } = await rows.bind(own.id).all<{ credential: string; expires_at: number; day: number }>();
    expect(results.map((row) => row.credential)).toEqual([own.keyId]);
    // As long as the last cookie of the day says.
    expect(results.map((row) => row.expires_at)).toEqual(results.map((row) => (row.day + 8) * DAY_MS));
  });

  it("has the scopes of its credential", async () => {
    const { key } = await newKey(account.id, { scopes: ["jobs:read"] });
    const cookie = await session({ authorization: `Bearer ${key}` });
    expect(await ping(cookie)).toEqual(GOOD);
    const answer = await ask("/api/system/shutdown", { method: "POST", headers: cookie });
    expect(await said(answer)).toEqual([403, { error: "This credential lacks the scope 'admin'." }]);
  });

  it("with another signature, or another session, is none", async () => {
    const { cookie } = await session({ authorization: `Bearer ${account.key}` });
    const [, value = ""] = cookie.split("auth=");
    const [id = "", signature = ""] = value.split(".");
    for (const bad of [id, `${id}.`, `${id}.${signature.slice(1)}`, `x${id}.${signature}`, `${value}.x`]) {
      expect(await ping({ cookie: `auth=${bad}` })).toEqual(INVALID);
    }
  });
});

describe("the session ends", () => {
  it("with the key that made it, at once", async () => {
    const { id, key } = await newKey(account.id);
    const cookie = await session({ authorization: `Bearer ${key}` });
    expect(await ping(cookie)).toEqual(GOOD);
    await admin("DELETE", `/admin/keys/${id}`);
    expect(await ping(cookie)).toEqual(INVALID);
  });

  it("with the password that made it, at once, and with the name; not with the limits", async () => {
    const own = await newAccount();
    for (const change of [{ password: "another" }, { username: `bea-${crypto.randomUUID()}` }, { password: null }]) {
      const { name, password } = await setUser(own);
      const cookie = await session(basic(`${name}:${password}`));
      expect(await ping(cookie)).toEqual(GOOD);
      await admin("PATCH", `/admin/accounts/${own.id}`, { username: name, pool: "own" });
      expect(await ping(cookie)).toEqual(GOOD);
      await admin("PATCH", `/admin/accounts/${own.id}`, change);
      expect(await ping(cookie)).toEqual(INVALID);
    }
    expect(await ping(await session({ authorization: `Bearer ${own.key}` }))).toEqual(GOOD);
  });

  it("with its account", async () => {
    const own = await newAccount();
    const { name, password } = await setUser(own);
    const cookies = [
      await session({ authorization: `Bearer ${own.key}` }),
      await session(basic(`${name}:${password}`)),
    ];
    for (const cookie of cookies) expect(await ping(cookie)).toEqual(GOOD);
    await admin("DELETE", `/admin/accounts/${own.id}`);
    for (const cookie of cookies) expect(await ping(cookie)).toEqual(INVALID);
  });

  it("by itself after its time, and is swept then", async () => {
    const own = await newAccount();
    const cookie = await session({ authorization: `Bearer ${own.key}` });
    const count = () =>
      env.DB.prepare("SELECT count(*) AS n FROM browser_sessions WHERE account_id = ?").bind(own.id).first("n");
    expect(await forgetSessions(env.DB, Date.now(), 1_000)).toBe(0);
    expect(await count()).toBe(1);
    await env.DB.prepare("UPDATE browser_sessions SET expires_at = ? WHERE account_id = ?")
      .bind(Date.now(), own.id)
      .run();
    expect(await ping(cookie)).toEqual(INVALID);
    expect(await forgetSessions(env.DB, Date.now(), 1_000)).toBe(1);
    expect(await count()).toBe(0);
  });
});

describe("pages of another origin", () => {
  let cookie: { cookie: string };
  beforeAll(async () => {
    cookie = await session({ authorization: `Bearer ${account.key}` });
  });
  const refused = [403, { error: "Pages of another origin need a credential of their own." }];

  it.each<[string, Record<string, string>]>([
    ["a script of another port", { "sec-fetch-site": "same-site", origin: "https://edge.test:3000" }],
    ["a script of another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example.com" }],
    ["a script, over plain http", { origin: "https://evil.example.com" }],
    ["an origin that hides itself", { origin: "null" }],
  ])("cannot use the cookie: %s", async (_, from) => {
    expect(await ping({ ...cookie, ...from })).toEqual(refused);
    const post = await ask("/api/unknown", { method: "POST", headers: { ...cookie, ...from } });
    expect(await said(post)).toEqual(refused);
  });

  it("may show what they cannot read: a picture of another port", async () => {
    expect(await ping({ ...cookie, "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" })).toEqual(GOOD);
  });

  it("of ours may use it", async () => {
    expect(await ping({ ...cookie, "sec-fetch-site": "same-origin", origin: ORIGIN })).toEqual(GOOD);
    expect(await ping({ ...cookie, origin: ORIGIN })).toEqual(GOOD);
    expect(await ping({ ...cookie, "sec-fetch-site": "none" })).toEqual(GOOD);
  });

  it.each<[string, Record<string, string>]>([
    [
      "a form of another site",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", origin: "https://e.test" },
    ],
    ["a form, over plain http", { origin: "https://e.test", accept: "text/html,*/*;q=0.8" }],
    ["a beacon", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", origin: "null" }],
  ])("cannot write with Basic that the browser remembers: %s", async (_, from) => {
    const headers = { ...basic(`a:${account.key}`), ...from };
    expect(await said(await ask("/api/unknown", { method: "POST", headers }))).toEqual(refused);
  });

  it("may use Basic, Bearer and ?apikey= that they send themselves", async () => {
    const from = { origin: "https://ui.example.com", accept: "*/*" };
    const script = { ...from, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
    const unknown = [404, "404: Not Found"];
    for (const page of [from, script]) {
      for (const headers of [basic(`a:${account.key}`), { authorization: `Bearer ${account.key}` }]) {
        expect(await ping({ ...headers, ...page })).toEqual(GOOD);
        expect(await said(await ask("/api/unknown", { method: "POST", headers: { ...headers, ...page } }))).toEqual(
          unknown,
        );
      }
      const byQuery = await ask(`/api/unknown?apikey=${account.key}`, { method: "POST", headers: page });
      expect(await said(byQuery)).toEqual(unknown);
    }
  });
});

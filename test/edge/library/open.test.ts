/** `TRAWL_OPEN` (library API 1.2): what needs no credential, where. */
import type { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { newAccount } from "../support.ts";
import { type Asked, ask, basic, said } from "./support.ts";

const GOOD = [200, { status: "pong" }];
const MISSING = [401, { error: "Authorization Required." }];
const INVALID = [401, { error: "Unauthorized (Invalid credentials)." }];
const REFUSED = [403, { error: "Pages of another origin need a credential of their own." }];

const LOOPBACK = "http://127.0.0.1:8787";
const OPEN = { TRAWL_OPEN: "1", TRAWL_HOST: "127.0.0.1" };
const PUBLIC = { TRAWL_OPEN: "public", TRAWL_HOST: "0.0.0.0" };

beforeAll(async () => {
  await newAccount();
});

const ping = (asked: Asked) => ask("/api/ping", { origin: LOOPBACK, env: OPEN, ...asked }).then(said);

describe("TRAWL_OPEN=1", () => {
  it("lets in who brings nothing, an empty pair or a dead cookie, as the first account", async () => {
    const none = [{}, basic(":"), { cookie: "auth=dead.session" }];
    for (const headers of none) expect(await ping({ headers })).toEqual(GOOD);
    const asQuery = await ask(`/api/ping?apikey=${btoa(":")}`, { origin: LOOPBACK, env: OPEN });
    expect(await said(asQuery)).toEqual(GOOD);
  });

  it("checks a credential that is there", async () => {
    for (const headers of [basic("a:sk_nobody"), { "x-api-key": "sk_nobody" }, basic("anna:")]) {
      expect(await ping({ headers })).toEqual(INVALID);
    }
  });

  it.each([
    ["localhost", "http://localhost:8787", "127.0.0.1"],
    ["a name below it", "http://trawl.localhost:8787", "localhost"],
    ["another address of this machine", "http://127.8.9.1", "127.8.9.1"],
    ["IPv6", "http://[::1]:8787", "::1"],
  ])("holds at %s", async (_, origin, TRAWL_HOST) => {
    expect(await ping({ origin, env: { ...OPEN, TRAWL_HOST } })).toEqual(GOOD);
  });

  it.each<[string, string, Partial<typeof env>]>([
    ["a name that leads here (DNS rebinding)", "http://rebound.example.com:8787", OPEN],
    ["a name that looks alike", "http://localhost.example.com", OPEN],
    ["an address of the network", "http://192.168.1.5:8787", OPEN],
    ["a server that listens on every address", LOOPBACK, { ...OPEN, TRAWL_HOST: "0.0.0.0" }],
    ["a server that is on Cloudflare", LOOPBACK, { TRAWL_OPEN: "1" }],
    ["another word", LOOPBACK, { ...OPEN, TRAWL_OPEN: "true" }],
  ])("does not hold at %s", async (_, origin, bindings) => {
    expect(await ping({ origin, env: bindings })).toEqual(MISSING);
  });

  it("nor behind a trusted proxy that was called by another name", async () => {
    const headers = { "x-forwarded-host": "media.example.com", "x-forwarded-proto": "https" };
    expect(await ping({ headers, env: { ...OPEN, TRAWL_TRUST_PROXY: "1" } })).toEqual(MISSING);
  });

  it("gives the scope admin, TRAWL_OPEN=public does not", async () => {
    const shutdown = (asked: Asked) => ask("/api/system/shutdown", { method: "POST", ...asked }).then(said);
    const [status] = await shutdown({ origin: LOOPBACK, env: OPEN });
    expect(status).toBe(400);
    const lacks = [403, { error: "This credential lacks the scope 'admin'." }];
    expect(await shutdown({ env: PUBLIC })).toEqual(lacks);
    expect(await shutdown({ origin: LOOPBACK, env: { ...PUBLIC, TRAWL_HOST: "127.0.0.1" } })).toEqual(lacks);
  });

  it("holds on this surface alone", async () => {
    for (const path of ["/jobs", "/api/downloads"]) {
      expect((await ask(path, { origin: LOOPBACK, env: OPEN })).status).toBe(401);
    }
  });
});

it("TRAWL_OPEN=public holds everywhere", async () => {
  for (const origin of [LOOPBACK, "https://media.example.com", "http://192.168.1.5"]) {
    expect(await ping({ origin, env: PUBLIC })).toEqual(GOOD);
  }
});

describe("a page of another origin, where nothing is asked for,", () => {
  it.each<[string, Record<string, string>]>([
    ["a script", { origin: "https://evil.example.com" }],
    ["a script of a frame that hides its origin", { origin: "null" }],
    [
      "a picture",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", referer: "https://evil.example.com/" },
    ],
    ["a picture that does not say where", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ])("gets nothing: %s", async (_, headers) => {
    for (const bindings of [OPEN, { ...PUBLIC, TRAWL_HOST: "127.0.0.1" }]) {
      expect(await ping({ headers, env: bindings })).toEqual(REFUSED);
      const other = await ask("/api/history", { method: "POST", origin: LOOPBACK, env: bindings, headers });
      expect(await said(other)).toEqual(REFUSED);
    }
  });

  it("may add to the history, by GET alone", async () => {
    const headers = { origin: "https://somewhere.example.com" };
    const add = (method: string) => ask("/api/history/add?url=x", { method, origin: LOOPBACK, env: OPEN, headers });
    expect((await add("GET")).status).not.toBe(403);
    expect(await said(await add("POST"))).toEqual(REFUSED);
  });

  it.each<[string, Record<string, string>]>([
    ["it is ours", { origin: LOOPBACK, "sec-fetch-site": "same-origin" }],
    ["it is of this machine", { origin: "http://localhost:3000", "sec-fetch-site": "cross-site" }],
    [
      "it is of this machine, and shows a picture",
      { "sec-fetch-site": "same-site", referer: "http://localhost:3000/" },
    ],
    ["it is an extension of the browser", { origin: "chrome-extension://abcdef", "sec-fetch-site": "cross-site" }],
    ["it has a link that somebody follows", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
    ["it is no page", {}],
  ])("is welcome where %s", async (_, headers) => {
    expect(await ping({ headers })).toEqual(GOOD);
  });
});

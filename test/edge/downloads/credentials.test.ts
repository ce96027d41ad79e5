/** Who may call: the places of a key, cross-origin Basic, scopes, and accounts as walls. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, admin, call, newAccount, newKey, ORIGIN, send, textOf } from "../support.ts";
import { completed, detail, listTasks, newDownload, readTask, UNKNOWN_ID, URL_1 } from "./support.ts";

const ROUTES = [
  ["POST", "/api/download", "jobs:write"],
  ["GET", "/api/downloads", "jobs:read"],
  ["GET", `/api/downloads/${UNKNOWN_ID}`, "jobs:read"],
  ["GET", `/api/download/${UNKNOWN_ID}/file`, "jobs:read"],
  ["DELETE", `/api/downloads/${UNKNOWN_ID}`, "jobs:write"],
  ["DELETE", `/api/downloads/${UNKNOWN_ID}/remove`, "jobs:write"],
  ["POST", "/api/info", "jobs:write"],
  ["GET", `/api/thumbnails/${UNKNOWN_ID}`, "jobs:read"],
  ["GET", `/api/stream/x__${UNKNOWN_ID}.mp4`, "jobs:read"],
] as const;

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const basic = (userAndPassword: string) => ({ authorization: `Basic ${btoa(userAndPassword)}` });

describe.each(ROUTES)("%s %s", (method, path, scope) => {
  it('without a key is 401, with an unknown one too: {"detail": "<text>"}', async () => {
    expect(detail(await send(method, path))).toEqual([401, { detail: "Missing x-api-key header" }]);
    for (const answer of [
      await send(method, path, undefined, { "x-api-key": "sk_nobody" }),
      await send(method, path, undefined, basic("me:sk_nobody")),
      await send(method, `${path}?apikey=%0Ask_nobody%C3%BC`),
    ]) {
      expect(detail(answer)).toEqual([401, { detail: "Invalid API Key" }]);
    }
  });

  it(`with a key that lacks ${scope} is 403 {"detail": same text}`, async () => {
    const scopes = ["jobs:read", "jobs:write", "usage:read", "storage:write"].filter((each) => each !== scope);
    const { key } = await newKey(account.id, { scopes });
    const answer = await send(method, path, undefined, { "x-api-key": key });
    expect(detail(answer)).toEqual([403, { detail: `This key lacks the scope '${scope}'` }]);
  });

  it("with a revoked key is 401", async () => {
    const revoked = await newKey(account.id);
    await admin("DELETE", `/admin/keys/${revoked.id}`);
    const answer = await send(method, path, undefined, { "x-api-key": revoked.key });
    expect(detail(answer)).toEqual([401, { detail: "Invalid API Key" }]);
  });
});

describe("a key is taken from", () => {
  const places: [string, (key: string) => { query?: string; headers?: Record<string, string> }][] = [
    ["x-api-key", (key) => ({ headers: { "x-api-key": key } })],
    ["Authorization: Bearer", (key) => ({ headers: { authorization: `Bearer ${key}` } })],
    ["Basic with the key as password", (key) => ({ headers: basic(`anyone:${key}`) })],
    ["Basic without a user", (key) => ({ headers: basic(`:${key}`) })],
    [
      "Basic in the url-safe alphabet",
      (key) => ({ headers: { authorization: `Basic ${urlSafe(btoa(`~?~?:${key}`))}` } }),
    ],
    ["?apikey=", (key) => ({ query: `?apikey=${key}` })],
  ];
  it.each(places)("%s", async (_, place) => {
    const { query = "", headers } = place(account.key);
    const body = { url: URL_1 };
    expect((await send("POST", `/api/download${query}`, body, headers)).status).toBe(200);
    expect((await send("GET", `/api/downloads${query}`, undefined, headers)).status).toBe(200);
  });

  it("the first of these places counts", async () => {
    const headers = { "x-api-key": "sk_nobody", ...basic(`me:${account.key}`) };
    expect((await send("GET", `/api/downloads?apikey=${account.key}`, undefined, headers)).status).toBe(401);
    const both = { "x-api-key": account.key, ...basic("me:sk_nobody") };
    expect((await send("GET", "/api/downloads?apikey=sk_nobody", undefined, both)).status).toBe(200);
  });

  it("the query and Basic on this surface only", async () => {
    for (const path of [`/jobs?apikey=${account.key}`, "/jobs"]) {
      const answer = await send("GET", path, undefined, basic(`me:${account.key}`));
      expect([answer.status, answer.body]).toEqual([401, { error: "Missing x-api-key header" }]);
    }
  });
});

/** "For Basic credentials a request other than GET must not come from another origin (`Sec-Fetch-Site`, `Origin`): 403." */
describe("Basic credentials", () => {
  it.each<[string, Record<string, string>]>([
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["a sister site", { "sec-fetch-site": "same-site" }],
    ["another origin", { origin: "https://evil.example.com" }],
    ["an origin that hides itself", { origin: "null" }],
    ["another port", { origin: "https://edge.test:8443" }],
  ])("from %s: 403 but for GET", async (_, from) => {
    const own = await newAccount();
    const id = await newDownload(own);
    const headers = { ...basic(`me:${own.key}`), ...from };
    const text = { detail: "Basic credentials are not accepted from another origin" };
    for (const [method, path] of [
      ["POST", "/api/download"],
      ["POST", "/api/info"],
      ["DELETE", `/api/downloads/${id}`],
      ["DELETE", `/api/downloads/${id}/remove`],
    ] as const) {
      const body = method === "POST" ? { url: URL_1 } : undefined;
      expect(detail(await send(method, path, body, headers))).toEqual([403, text]);
    }
    expect((await send("GET", "/api/downloads", undefined, headers)).status).toBe(200);
    expect((await readTask(own, id)).status).toBe("pending");
    // A key in a header is never sent by a browser on its own.
    const keyed = { "x-api-key": own.key, ...from };
    expect((await send("POST", "/api/download", { url: URL_1 }, keyed)).status).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ["our own page", { "sec-fetch-site": "same-origin", origin: ORIGIN }],
    ["our own page behind a proxy", { "sec-fetch-site": "same-origin", origin: "https://public.example.com" }],
    ["our own page in an old browser", { origin: ORIGIN }],
    ["the address bar", { "sec-fetch-site": "none" }],
    ["no browser", {}],
  ])("from %s: taken", async (_, from) => {
    const headers = { ...basic(`me:${account.key}`), ...from };
    expect((await send("POST", "/api/download", { url: URL_1 }, headers)).status).toBe(200);
  });
});

describe("paths of this surface", () => {
  it.each([
    ["GET", "/api/stream"],
    ["GET", "/api/thumbnails/a/b"],
    ["GET", "/api/downloads/a/b/c"],
    ["GET", "/api/info/x"],
  ])("%s %s, which is none: 404 with a detail", async (method, path) => {
    expect(detail(await send(method, path))).toEqual([404, { detail: "Not found" }]);
  });

  it.each([
    ["GET", "/api/download", "POST"],
    ["POST", "/api/downloads", "GET"],
    ["PATCH", `/api/downloads/${UNKNOWN_ID}`, "GET"],
    ["GET", `/api/downloads/${UNKNOWN_ID}/remove`, "DELETE"],
    ["GET", "/api/info", "POST"],
  ])("%s %s is 405 with a detail, and names %s", async (method, path, allowed) => {
    const answer = await send(method, path);
    expect(detail(answer)).toEqual([405, { detail: "Method not allowed" }]);
    expect(answer.headers.get("allow")).toContain(allowed);
  });

  it("an empty rate bucket is 429 with a detail", async () => {
    const slow = await newAccount({ limits: { rate_per_second: 1 } });
    for (let n = 0; n < 2; n++) await slow.api("GET", "/api/downloads");
    const answer = await slow.api("GET", "/api/downloads");
    expect(detail(answer)).toEqual([429, { detail: "Too many requests" }]);
    expect(answer.headers.get("retry-after")).toMatch(/^[1-9]/);
  });
});

describe("with another account's key", () => {
  it("every route is the 404 of an unknown id, and nothing of the owner's moves", async () => {
    const [owner, stranger] = [await newAccount(), await newAccount()];
    const done = await completed(owner, "bytes of the owner", { thumbnail: "GIF89a" });
    const running = await newDownload(owner);
    const before = await listTasks(owner);
    for (const id of [done.id, running]) {
      for (const [method, path] of [
        ["GET", `/api/downloads/${id}`],
        ["DELETE", `/api/downloads/${id}`],
        ["DELETE", `/api/downloads/${id}/remove`],
        ["GET", `/api/thumbnails/${id}`],
        ["GET", `/api/stream/${encodeURIComponent(done.filename)}`],
      ] as const) {
        expect(detail(await stranger.api(method, path))).toEqual([404, { detail: "Download not found" }]);
      }
      // Of what is no task of the account, this is the path of a file (library API 1.1).
      expect(detail(await stranger.api("GET", `/api/download/${id}/file`))).toEqual([404, { error: "File not found" }]);
    }
    const list = await stranger.api("GET", "/api/downloads");
    expect([list.body, list.headers.get("x-total-count")]).toEqual([[], "0"]);
    expect(await listTasks(owner)).toEqual(before);
    const file = await call(`/api/download/${done.id}/file`, { headers: { "x-api-key": owner.key } });
    expect(await textOf(file)).toBe("bytes of the owner");
  });
});

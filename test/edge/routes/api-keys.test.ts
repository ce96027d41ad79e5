/** Keys: how they are presented, what they may, how they end, how they are kept (jobs API 1.1, operator's manual). */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../../edge/auth/api-keys.ts";
import { authenticate } from "../../../edge/auth/authenticate.ts";
import { type Account, admin, newAccount, newKey, refusal, send } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

const list = (headers: Record<string, string>) => send("GET", "/jobs", undefined, headers);
const INVALID = { status: 401, error: "Invalid API Key" };
const MISSING = { status: 401, error: "Missing x-api-key header" };

/** `authenticate` as the Worker calls it, at a time of our choosing. */
function at(now: number, key: string) {
  return authenticate(env.DB, new Headers({ "x-api-key": key }), "jobs:read", now);
}

describe("a key is presented", () => {
  it("as x-api-key, or as Authorization: Bearer in its place", async () => {
    expect((await list({ "x-api-key": account.key })).status).toBe(200);
    expect((await list({ authorization: `Bearer ${account.key}` })).status).toBe(200);
    expect((await list({ authorization: `bearer   ${account.key}` })).status).toBe(200);
  });

  it("with both, x-api-key counts", async () => {
    const both = { "x-api-key": account.key, authorization: "Bearer sk_of_nobody" };
    expect((await list(both)).status).toBe(200);
    const reverse = { "x-api-key": "sk_of_nobody", authorization: `Bearer ${account.key}` };
    expect(refusal(await list(reverse))).toEqual(INVALID);
  });

  it.each<[string, Record<string, string>, { status: number; error: string }]>([
    ["not at all", {}, MISSING],
    ["empty", { "x-api-key": "" }, MISSING],
    ["by another scheme", { authorization: "Basic c2s6c2s=" }, MISSING],
    ["as Bearer without a value", { authorization: "Bearer " }, MISSING],
    ["longer than 256 characters", { "x-api-key": `sk_${"a".repeat(254)}` }, INVALID],
    ["the admin token is no API key", { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` }, INVALID],
  ])("%s: refused", async (_, headers, refused) => {
    expect(refusal(await list(headers))).toEqual(refused);
  });

  it("in the query: never", async () => {
    expect(refusal(await send("GET", `/jobs?x-api-key=${account.key}&api_key=${account.key}`))).toEqual(MISSING);
  });
});

describe("a key ends", () => {
  it("with its revocation: a caller that was let in a moment ago is refused within 5 s, a fresh isolate at once", async () => {
    const { id, key } = await newKey(account.id);
    const now = Date.now();
    await at(now, key);
    expect((await admin("DELETE", `/admin/keys/${id}`)).status).toBe(200);
    await expect(at(now + 5_000, key)).rejects.toMatchObject({ code: "unauthenticated" });
    const unseen = await newKey(account.id);
    await admin("DELETE", `/admin/keys/${unseen.id}`);
    expect(refusal(await list({ "x-api-key": unseen.key }))).toEqual(INVALID);
  });

  it("once, however often it is revoked; an unknown key is 404", async () => {
    const { id } = await newKey(account.id);
    await admin("DELETE", `/admin/keys/${id}`);
    const read = () => env.DB.prepare("SELECT revoked_at FROM api_keys WHERE id = ?").bind(id).first("revoked_at");
    const first = await read();
    expect((await admin("DELETE", `/admin/keys/${id}`)).status).toBe(200);
    expect(await read()).toBe(first);
    expect(refusal(await admin("DELETE", "/admin/keys/01a2310c-0100-726b-b2a7-4de452e6b438"))).toEqual({
      status: 404,
      error: "Key not found",
    });
  });

  it("at its expires_at, to the millisecond, though it was used just before", async () => {
    const expiry = Date.now() + 60_000;
    const { key } = await newKey(account.id, { expires_at: expiry });
    expect((await at(expiry - 1, key)).account.id).toBe(account.id);
    await expect(at(expiry, key)).rejects.toMatchObject({ code: "unauthenticated" });
    const past = await newKey(account.id, { expires_at: Date.now() - 1 });
    expect(refusal(await list({ "x-api-key": past.key }))).toEqual(INVALID);
  });

  it("with its account, once that is being deleted", async () => {
    const going = await newAccount();
    await env.DB.prepare("UPDATE accounts SET state = 'deleting' WHERE id = ?").bind(going.id).run();
    expect(refusal(await going.api("GET", "/jobs"))).toEqual(INVALID);
  });
});

describe("a key may", () => {
  it("without scopes do all but admin", async () => {
    const made = await admin<{ scopes: string[] }>("POST", `/admin/accounts/${account.id}/keys`, {});
    expect(made.body.scopes).toEqual(["jobs:read", "jobs:write", "storage:write", "usage:read"]);
  });

  it("with jobs:read read, and not write", async () => {
    const { key } = await newKey(account.id, { scopes: ["jobs:read"] });
    expect((await list({ "x-api-key": key })).status).toBe(200);
    const create = await send("POST", "/jobs", { url: "https://media.example.com/v1" }, { "x-api-key": key });
    expect(refusal(create)).toEqual({ status: 403, error: "This key lacks the scope 'jobs:write'" });
  });
});

describe("a key is kept", () => {
  it("as SHA-256 and four last characters, shown this once, and nowhere in clear", async () => {
    const made = await admin<Record<string, string>>("POST", `/admin/accounts/${account.id}/keys`, { name: "ci" });
    const { id = "", key = "", prefix = "", last4 = "" } = made.body;
    expect(key).toMatch(/^sk_[A-Za-z0-9_-]{30,}$/);
    expect(key.startsWith(prefix)).toBe(true);
    expect(key.endsWith(last4)).toBe(true);
    const row = await env.DB.prepare("SELECT * FROM api_keys WHERE id = ?").bind(id).first();
    expect(row?.hash).toBe(await sha256Hex(key));
    expect(JSON.stringify(row)).not.toContain(key.slice(7, -4));
  });

  it("in as many forms as there are keys: no two alike", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => newKey(account.id)));
    expect(new Set(keys.map((each) => each.key)).size).toBe(20);
  });

  it("as the operator brought it along, which works once", async () => {
    const key = `sk_preset_${crypto.randomUUID()}`;
    await newKey(account.id, { key });
    expect((await list({ "x-api-key": key })).status).toBe(200);
    const again = await admin("POST", `/admin/accounts/${account.id}/keys`, { key });
    expect(refusal(again)).toMatchObject({ status: 409, field: "key" });
  });
});

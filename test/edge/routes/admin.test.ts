/** The admin API as far as it exists (operator's manual). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { admin, newAccount, refusal, send } from "../support.ts";

const UUID = "01a2310c-0100-726b-b2a7-4de452e6b438";

describe.each([
  ["POST", "/admin/accounts"],
  ["GET", "/admin/accounts"],
  ["POST", `/admin/accounts/${UUID}/keys`],
  ["DELETE", `/admin/keys/${UUID}`],
  ["POST", "/admin/enrolments"],
])("%s %s", (method, path) => {
  it("wants the admin token: 401 without, with a wrong one, with one that only begins alike, with an API key", async () => {
    const account = await newAccount();
    const token = String(env.TRAWL_ADMIN_TOKEN);
    const tries = [
      {},
      ...["nope", token.slice(0, -1), `${token}x`, account.key].map((each) => ({ authorization: `Bearer ${each}` })),
    ];
    for (const headers of [...tries, { "x-api-key": token }]) {
      const answer = await send(method, path, method === "GET" ? undefined : { name: "x" }, headers);
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ error: expect.any(String) });
    }
  });
});

describe("POST /admin/accounts", () => {
  it("answers 201 with id, name, limits, pool, created_at; GET lists it so", async () => {
    const body = { name: "Studio North", limits: { max_resolution: "1080", rate_per_second: 5 }, pool: "own" };
    const made = await admin("POST", "/admin/accounts", body);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({ ...body, id: expect.any(String), created_at: expect.any(Number) });
    const { body: list } = await admin<{ accounts: unknown[] }>("GET", "/admin/accounts");
    expect(list.accounts).toContainEqual(made.body);
  });

  it("defaults to no limits and own_first", async () => {
    expect((await admin("POST", "/admin/accounts", { name: "x" })).body).toMatchObject({
      limits: {},
      pool: "own_first",
    });
  });

  it.each<[string, unknown, string]>([
    ["no name", {}, "name"],
    ["an empty name", { name: "" }, "name"],
    ["a name of 101 characters", { name: "a".repeat(101) }, "name"],
    ["an unknown pool", { name: "a", pool: "all" }, "pool"],
    ["a negative limit", { name: "a", limits: { rate_per_second: -1 } }, "limits.rate_per_second"],
    ["a limit of another type", { name: "a", limits: { max_resolution: 1080 } }, "limits.max_resolution"],
  ])("%s: 400, naming the field, and nothing is made", async (_, body, field) => {
    const count = () => env.DB.prepare("SELECT count(*) AS n FROM accounts").first("n");
    const before = await count();
    expect(refusal(await admin("POST", "/admin/accounts", body))).toMatchObject({ status: 400, field });
    expect(await count()).toBe(before);
  });

  it("gives the first account the root of the store and every other a folder of its own", async () => {
    const made = await newAccount();
    const { results } = await env.DB.prepare("SELECT id, store_prefix FROM accounts ORDER BY created_at, id").all();
    expect(results[0]?.store_prefix).toBe("");
    expect(results.filter((row) => row.store_prefix === "")).toHaveLength(1);
    expect(results.find((row) => row.id === made.id)?.store_prefix).toBe(`@${made.id}/`);
  });
});

describe("POST /admin/accounts/{id}/keys", () => {
  it("of an unknown account is 404", async () => {
    for (const id of [UUID, "nope"]) {
      expect((await admin("POST", `/admin/accounts/${id}/keys`, {})).status).toBe(404);
    }
  });

  it.each<[string, unknown, string]>([
    ["an unknown scope", { scopes: ["jobs:read", "all"] }, "scopes[1]"],
    ["no scope at all", { scopes: [] }, "scopes"],
    ["a preset key without sk_", { key: "secret-of-mine" }, "key"],
    ["a preset key that is too short", { key: "sk_short" }, "key"],
  ])("%s: 400, naming the field", async (_, body, field) => {
    const account = await newAccount();
    const answer = await admin("POST", `/admin/accounts/${account.id}/keys`, body);
    expect(refusal(answer)).toMatchObject({ status: 400, field });
  });
});

describe("POST /admin/enrolments", () => {
  it("answers 201 with id, token and expires_at, an hour away by default; the token is kept as a hash", async () => {
    const before = Date.now();
    const made = await admin<{ id: string; token: string; expires_at: number }>("POST", "/admin/enrolments", {});
    expect(made.status).toBe(201);
    expect(Object.keys(made.body)).toEqual(["id", "token", "expires_at"]);
    expect(made.body.expires_at - before).toBeGreaterThanOrEqual(3_600_000);
    expect(made.body.expires_at - before).toBeLessThan(3_660_000);
    const row = await env.DB.prepare("SELECT * FROM enrolments WHERE id = ?").bind(made.body.id).first();
    expect(row).toMatchObject({ uses_left: 1, tags: "[]", account_id: null });
    expect(JSON.stringify(row)).not.toContain(made.body.token);
  });

  it.each<[string, unknown, string]>([
    ["no use", { uses: 0 }, "uses"],
    ["a time in the past", { expires_in: -1 }, "expires_in"],
    ["a tag without =", { tags: ["eu"] }, "tags[0]"],
    ["an unknown account", { account_id: UUID }, "account_id"],
  ])("%s: 400, naming the field", async (_, body, field) => {
    expect(refusal(await admin("POST", "/admin/enrolments", body))).toMatchObject({ status: 400, field });
  });
});

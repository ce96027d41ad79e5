/** What every call of the admin API refuses: strangers, unknown ids, other methods (operator's manual). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { admin, call, newAccount, refusal, send } from "../support.ts";

const UUID = "01a2310c-0100-726b-b2a7-4de452e6b438";
const ROUTES: [string, string, string?][] = [
  ["GET", `/admin/accounts/${UUID}`, "Account not found"],
  ["PATCH", `/admin/accounts/${UUID}`, "Account not found"],
  ["DELETE", `/admin/accounts/${UUID}`, "Account not found"],
  ["GET", `/admin/accounts/${UUID}/keys`, "Account not found"],
  ["POST", `/admin/accounts/${UUID}/keys`, "Account not found"],
  ["DELETE", `/admin/keys/${UUID}`, "Key not found"],
  ["GET", "/admin/nodes"],
  ["POST", `/admin/nodes/${UUID}/drain`, "Node not found"],
  ["POST", `/admin/nodes/${UUID}/resume`, "Node not found"],
  ["DELETE", `/admin/nodes/${UUID}`, "Node not found"],
  ["GET", "/admin/stats"],
  ["GET", `/admin/jobs/${UUID}`, "Job not found"],
  ["GET", "/metrics"],
];

describe.each(ROUTES)("%s %s", (method, path) => {
  const sent = bodyFor(method);

  it("wants the admin token: 401 without, with another one, with an API key, even one with the scope admin", async () => {
    const account = await newAccount({ key: { scopes: ["admin", "jobs:read"] } });
    const token = String(env.TRAWL_ADMIN_TOKEN);
    const bearers = ["second-admin-token", token.slice(0, -1), `${token}x`, token.toUpperCase(), account.key];
    const tries: Record<string, string>[] = [
      {},
      { "x-api-key": token },
      { authorization: `Basic ${btoa(`admin:${token}`)}` },
      ...bearers.map((each) => ({ authorization: `Bearer ${each}` })),
    ];
    for (const headers of tries) {
      const answer = await send(method, path, sent, headers);
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ error: expect.any(String) });
    }
  });

  it("by another method is 405", async () => {
    const answer = await call(path, { method: "PUT", headers: { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` } });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")?.split(", ")).toContain(method);
    await answer.body?.cancel();
  });
});

it.each(ROUTES.filter(([, path]) => path.includes(UUID)))("%s %s is 404: %s", async (method, path, unknown) => {
  expect(refusal(await admin(method, path, bodyFor(method)))).toEqual({ status: 404, error: unknown });
  const odd = path.replace(UUID, "..%2F%27");
  expect(refusal(await admin(method, odd, bodyFor(method)))).toEqual({ status: 404, error: unknown });
});

function bodyFor(method: string): object | undefined {
  return method === "POST" || method === "PATCH" ? {} : undefined;
}

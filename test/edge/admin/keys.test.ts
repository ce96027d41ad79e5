/** Keys: what is shown of them again, and how they end at once (operator's manual). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { admin, call, newAccount, newKey, refusal, send } from "../support.ts";

const INVALID = { status: 401, error: "Invalid API Key" };

describe("GET /admin/accounts/{id}/keys", () => {
  it("lists the account's keys, oldest first, with all but the key and its hash", async () => {
    const account = await newAccount({ key: { name: "first" } });
    await newAccount();
    const expires = Date.now() + 60_000;
    const made = await admin("POST", `/admin/accounts/${account.id}/keys`, {
      name: "second",
      scopes: ["jobs:read"],
      expires_at: expires,
      limits: { max_resolution: "720" },
    });
    await admin("DELETE", `/admin/keys/${account.keyId}`);
    const { status, body } = await admin<{ keys: Record<string, unknown>[] }>(
      "GET",
      `/admin/accounts/${account.id}/keys`,
    );
    expect(status).toBe(200);
    expect(body.keys.map((key) => [key.name, key.revoked_at === null])).toEqual([
      ["first", false],
      ["second", true],
    ]);
    const { key, ...shown } = made.body;
    expect(body.keys[1]).toEqual({
      ...shown,
      name: "second",
      limits: { max_resolution: "720" },
      expires_at: expires,
      revoked_at: null,
      created_at: expect.any(Number),
    });
    expect(JSON.stringify(body)).not.toContain(String(key).slice(7, -4));
  });
});

describe("DELETE /admin/keys/{id}", () => {
  it("stops the key at once, though this Worker let it in a moment ago, and no other one of the account", async () => {
    const account = await newAccount();
    const other = await newKey(account.id);
    expect((await account.api("GET", "/jobs")).status).toBe(200);
    expect((await admin("DELETE", `/admin/keys/${account.keyId}`)).body).toEqual({ id: account.keyId, revoked: true });
    expect(refusal(await account.api("GET", "/jobs"))).toEqual(INVALID);
    expect((await send("GET", "/jobs", undefined, { "x-api-key": other.key })).status).toBe(200);
  });

  it("ends the key's open streams, and no others", async () => {
    const account = await newAccount();
    const other = await newKey(account.id);
    const id = await account.createJob();
    const [ending, living] = await Promise.all(
      [account.key, other.key].map((key) => call(`/jobs/${id}/events`, { headers: { "x-api-key": key } })),
    );
    await admin("DELETE", `/admin/keys/${account.keyId}`);
    // Ends by itself, without the job's end.
    expect(await ending?.text()).not.toContain("event: job.cancelled");
    await send("DELETE", `/jobs/${id}`, undefined, { "x-api-key": other.key });
    expect(await living?.text()).toContain("event: job.cancelled");
  });

  it("lets no stream of the key begin any more, whatever its request has passed already", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    const stream = () =>
      env.EVENT_STREAM.getByName(account.id).fetch(`https://stream/?key=${account.keyId}&job=${id}`, {
        headers: { upgrade: "websocket" },
      });
    const before = await stream();
    expect(before.status).toBe(101);
    before.webSocket?.accept();
    await admin("DELETE", `/admin/keys/${account.keyId}`);
    expect((await stream()).status).toBe(401);
  });
});

/** The end of an account (operator's manual): keys, jobs, files, URLs; and that it goes on where it broke off. */
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { OWNED_TABLES } from "../../../edge/db/account-removal.ts";
import { sweepRemovals } from "../../../edge/routes/admin/remove-account.ts";
import { TestNode } from "../fleet-node.ts";
import { type Account, admin, call, newAccount, refusal, store } from "../support.ts";

const remove = (account: Account) => admin("DELETE", `/admin/accounts/${account.id}`);

async function accountState(account: Account): Promise<string | null> {
  return env.DB.prepare("SELECT state FROM accounts WHERE id = ?").bind(account.id).first<string>("state");
}

/** A delivered job: its file's URL and its key in the store. */
async function delivered(account: Account, node: TestNode): Promise<{ id: string; url: string; storeKey: string }> {
  const id = await account.createJob({ filename: crypto.randomUUID() });
  const job = await node.take();
  await node.deliver(job, "bytes of a talk");
  await vi.waitFor(async () => {
    const { body } = await account.api("GET", `/jobs/${id}`);
    expect(body.status).toBe("Completed");
  });
  const { body } = await account.api<{ s3_url: string }>("GET", `/jobs/${id}`);
  const storeKey = await vi.waitFor(async () => {
    const key = await env.DB.prepare("SELECT store_key FROM files WHERE job_id = ?")
      .bind(id)
      .first<string>("store_key");
    if (key === null) throw new Error("not drained yet");
    return key;
  });
  const url = new URL(body.s3_url);
  return { id, url: url.pathname + url.search, storeKey };
}

async function exists(storeKey: string): Promise<boolean> {
  return (await store<{ objects: string[] }>("GET", "state")).objects.includes(storeKey);
}

/** The next call of this kind about this key fails. */
function faultAt(name: string, key: string): Promise<unknown> {
  return store("POST", "fault", JSON.stringify({ call: name, key, times: 1, status: 500, answer: {} }));
}

describe("DELETE /admin/accounts/{id}", () => {
  it("stops its keys, cancels its jobs, removes its files, voids their URLs; another account loses nothing", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    const [node, otherNode] = [await TestNode.online(account), await TestNode.online(other)];
    const [mine, theirs] = [await delivered(account, node), await delivered(other, otherNode)];
    expect(await exists(mine.storeKey)).toBe(true);
    const running = await account.createJob();
    const held = await node.take();
    const waiting = await account.createJob();
    const otherJob = await other.createJob();

    expect(await remove(account)).toMatchObject({ status: 200, body: { id: account.id, deleted: true } });
    expect(refusal(await account.api("GET", "/jobs"))).toEqual({ status: 401, error: "Invalid API Key" });
    expect((await admin("GET", `/admin/accounts/${account.id}`)).status).toBe(404);
    for (const job of [running, waiting]) {
      expect((await admin("GET", `/admin/jobs/${job}`)).body).toMatchObject({
        status: "Failed",
        step: "Cancelled",
        error: "Job cancelled by user",
      });
    }
    const late = await node.job(held, "step", { step: "download" });
    expect([late.status, late.body.error]).toEqual([403, "node_revoked"]);
    expect(await exists(mine.storeKey)).toBe(false);
    expect((await call(mine.url)).status).toBe(403);
    expect((await admin<{ files: unknown[] }>("GET", `/admin/jobs/${mine.id}`)).body.files).toMatchObject([
      { deleted_at: expect.any(Number) },
    ]);

    expect(await exists(theirs.storeKey)).toBe(true);
    expect((await call(theirs.url)).status).toBe(200);
    expect((await other.api("GET", `/jobs/${otherJob}`)).body.status).toBe("Pending");
  });

  it("ends its open streams", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    const stream = await call(`/jobs/${id}/events`, { headers: { "x-api-key": account.key } });
    await remove(account);
    expect(await stream.text()).toContain("event: snapshot");
  });

  it("is marked first and ended by the sweep; a repeat in between is fine, and afterwards it is unknown", async () => {
    const account = await newAccount();
    await TestNode.online(account);
    await admin("PATCH", `/admin/accounts/${account.id}`, { username: `anna-${account.id}`, password: "sesame" });
    await account.createJob();
    expect((await account.api("POST", "/api/presets", { name: "mine" })).status).toBe(200);
    await remove(account);
    expect(await accountState(account)).toBe("deleting");
    expect((await remove(account)).status).toBe(200);
    await sweepRemovals(env, Date.now());
    expect(await accountState(account)).toBeNull();
    expect(refusal(await remove(account))).toEqual({ status: 404, error: "Account not found" });
    const { body } = await admin<{ accounts: { id: string }[] }>("GET", "/admin/accounts");
    expect(body.accounts.map((each) => each.id)).not.toContain(account.id);
    const heir = await newAccount();
    expect((await admin("PATCH", `/admin/accounts/${heir.id}`, { username: `anna-${account.id}` })).status).toBe(200);
  });

  it("goes on after the store was away, and after a job was just being committed", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    const file = await delivered(account, node);
    const filename = crypto.randomUUID();
    const id = await account.createJob({ filename });
    const job = await node.take();
    await faultAt("delete", file.storeKey);
    await faultAt("commit", file.storeKey.replace(/[^/]+$/, `${filename}.mp4`));
    await node.deliver(job, "bytes of another talk");
    expect((await remove(account)).status).toBe(200);
    expect(await exists(file.storeKey)).toBe(true);
    await vi.waitFor(
      async () => {
        await sweepRemovals(env, Date.now());
        expect(await accountState(account)).toBeNull();
      },
      { timeout: 20_000, interval: 250 },
    );
    expect(await exists(file.storeKey)).toBe(false);
    const { body } = await admin<{ status: string; files: unknown[] }>("GET", `/admin/jobs/${id}`);
    expect(body).toMatchObject({ status: "Completed", files: [{ deleted_at: expect.any(Number) }] });
  });

  it("keeps the record of its jobs, which the operator can still read", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    await remove(account);
    await sweepRemovals(env, Date.now());
    expect((await admin("GET", `/admin/jobs/${id}`)).body).toMatchObject({
      id,
      account_id: account.id,
      status: "Failed",
    });
  });

  it("knows every table that refers to accounts: a new one must be removed too", async () => {
    const { results } = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE ?")
      .bind("%REFERENCES accounts%")
      .all<{ name: string }>();
    expect(results.map((row) => row.name).sort()).toEqual([...OWNED_TABLES].sort());
  });
});

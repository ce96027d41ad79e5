/** The fleet protocol: how a node enrols and opens sessions (`docs/fleet-protocol.md`). */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { FLEET_BASE, SessionAnswer, sessionChallenge } from "../../../shared/contract/fleet.ts";
import { flipped } from "../../flipped.ts";
import { enrolment, PARTITION_PATH, TestNode } from "../fleet-node.ts";
import { type Account, call, newAccount, send } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

/** Status and code of a refusal; each also has a text. */
function refused(answer: { status: number; body: Record<string, unknown> }): [number, unknown] {
  expect(answer.body.message).toEqual(expect.any(String));
  return [answer.status, answer.body.error];
}

async function registered(tags: string[] = []): Promise<TestNode> {
  const node = await TestNode.create();
  expect((await node.register(await enrolment({ account_id: account.id, tags }))).status).toBe(201);
  return node;
}

describe("registration", () => {
  it("answers 201 with the node's id and name, and uses up one use of the token", async () => {
    const token = await enrolment({ uses: 2 });
    const [one, two, three] = [await TestNode.create(), await TestNode.create(), await TestNode.create()];
    const answer = await one.register(token, "fra-07");
    expect(answer).toMatchObject({ status: 201, body: { node_id: expect.any(String), name: "fra-07" } });
    expect((await two.register(token)).status).toBe(201);
    expect(refused(await three.register(token))).toEqual([403, "enrolment_invalid"]);
    expect(two.id).not.toBe(one.id);
  });

  it("repeated with the same key finds the same node, and costs no second use", async () => {
    const token = await enrolment({ uses: 2 });
    const node = await TestNode.create();
    await node.register(token, "fra-07");
    const { id } = node;
    expect((await node.register(token, "another-name")).body).toEqual({ node_id: id, name: "fra-07" });
    expect((await (await TestNode.create()).register(token)).status).toBe(201);
  });

  it("of two at once by the last use of a token, one wins", async () => {
    const token = await enrolment();
    const nodes = await Promise.all([TestNode.create(), TestNode.create()]);
    const answers = await Promise.all(nodes.map((node) => node.register(token)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 403]);
  });

  it("with an unknown or expired token is 403 enrolment_invalid", async () => {
    const node = await TestNode.create();
    expect(refused(await node.register("enrol_of_nobody"))).toEqual([403, "enrolment_invalid"]);
    const token = await enrolment({ expires_in: 60 });
    await env.DB.prepare("UPDATE enrolments SET expires_at = ?").bind(Date.now()).run();
    expect(refused(await node.register(token))).toEqual([403, "enrolment_invalid"]);
  });

  it.each<[string, Record<string, unknown>]>([
    ["a name that is a path", { name: "../etc" }],
    ["an empty name", { name: "" }],
    ["a name of 64 characters", { name: "a".repeat(64) }],
    ["a key of another length", { public_key: "AAAA" }],
    ["a key in another alphabet", { public_key: "+".repeat(43) }],
    ["no token", { enrolment: null }],
  ])("with %s is 400 bad_request", async (_, changes) => {
    const { publicKey } = await TestNode.create();
    const body = { enrolment: await enrolment(), public_key: publicKey, name: "n", ...changes };
    expect(refused(await send("POST", `${FLEET_BASE}/register`, body))).toEqual([400, "bad_request"]);
  });

  it("with a body that is no JSON is 400 bad_request, over 1 MiB 413", async () => {
    expect(refused(await send("POST", `${FLEET_BASE}/register`, "{"))).toEqual([400, "bad_request"]);
    expect((await send("POST", `${FLEET_BASE}/register`, "a".repeat(1_048_577))).status).toBe(413);
  });
});

describe("a session", () => {
  it("opens with 201: number, key, its life, partitions, intervals, features", async () => {
    const node = await registered();
    const answer = await node.askSession();
    expect(answer.status).toBe(201);
    expect(SessionAnswer.parse(answer.body)).toEqual({
      session: 1,
      session_key: expect.any(String),
      expires_in_ms: 3_600_000,
      partitions: ["p1:auto:0"],
      intervals: { lease_ttl_ms: 60_000, heartbeat_ms: 20_000, poll_ms: 30_000, progress_ms: 10_000 },
      features: [],
    });
  });

  it("resumed keeps its number; opened anew it raises it, and then the old one cannot be resumed", async () => {
    const node = await registered();
    expect((await node.open()).session).toBe(1);
    expect((await node.open(1)).session).toBe(1);
    expect((await node.open()).session).toBe(2);
    expect((await node.open(1)).session).toBe(3);
    expect((await node.open(99)).session).toBe(4);
  });

  it("of an older number is fenced everywhere once a newer one has been seen: 409 session_fenced", async () => {
    const node = await registered();
    const old = (await node.open()).session_key;
    expect((await node.heartbeat()).status).toBe(200);
    await node.open();
    expect((await node.heartbeat()).status).toBe(200);
    const slots = { download: 1, live: 0 };
    const beat = await node.call("heartbeat", { holding: [], slots, state: "running" }, old);
    expect(refused(beat)).toEqual([409, "session_fenced"]);
    expect(refused(await node.call("lease", { request_id: crypto.randomUUID(), slots }, old))).toEqual([
      409,
      "session_fenced",
    ]);
    const headers = { upgrade: "websocket", authorization: `Bearer ${old}` };
    const socket = await call(`${PARTITION_PATH}/socket`, { headers });
    expect(socket.status).toBe(409);
    expect(await socket.json()).toMatchObject({ error: "session_fenced" });
  });

  it("that is new returns what the older one held, at once and as lost", async () => {
    const own = await newAccount();
    const node = await TestNode.online(own);
    const id = await own.createJob();
    const first = await node.take();
    await node.open();
    await node.heartbeat();
    expect((await own.api("GET", `/jobs/${id}`)).body).toMatchObject({ status: "Pending", attempts: 1 });
    expect(refused(await node.job(first, "step", { step: "download" }))).toEqual([409, "lease_lost"]);
  });

  it("is refused with 403 node_revoked for another's signature, an unknown or a revoked node", async () => {
    const [node, other] = [await registered(), await registered()];
    const nonce = await node.challenge();
    const text = sessionChallenge(node.id, nonce);
    const forged = { nonce, signature: await other.sign(text) };
    expect(refused(await node.askSession(forged))).toEqual([403, "node_revoked"]);
    const overOther = { nonce, signature: await node.sign(`${text}x`) };
    expect(refused(await node.askSession(overOther))).toEqual([403, "node_revoked"]);
    const known = node.id;
    node.id = crypto.randomUUID();
    expect(refused(await node.askSession())).toEqual([403, "node_revoked"]);
    node.id = known;
    await env.DB.prepare("UPDATE nodes SET revoked_at = 1 WHERE id = ?").bind(node.id).run();
    expect(refused(await node.askSession())).toEqual([403, "node_revoked"]);
  });

  it("is refused, not broken, for a public key that is no point of the curve", async () => {
    const node = await TestNode.create();
    const body = { enrolment: await enrolment(), public_key: `${"_".repeat(42)}8`, name: "n" };
    const answer = await send<{ node_id: string }>("POST", `${FLEET_BASE}/register`, body);
    node.id = answer.body.node_id;
    expect(refused(await node.askSession())).toEqual([403, "node_revoked"]);
  });

  it("asks for a nonce of its own: another's, an altered or an expired one is 401 session_expired", async () => {
    const [node, other] = [await registered(), await registered()];
    const sealed = await node.challenge();
    const [body = "", signature = ""] = sealed.split(".");
    const nonces = [
      await other.challenge(),
      `${flipped(body)}.${signature}`,
      `${body}.${flipped(signature)}`,
      body,
      "x",
    ];
    for (const nonce of nonces) {
      const changes = { nonce, signature: await node.sign(sessionChallenge(node.id, nonce)) };
      expect(refused(await node.askSession(changes))).toEqual([401, "session_expired"]);
    }
  });
});

describe("a session key", () => {
  it("is wanted by every call: 401 session_expired without, altered, or of another kind", async () => {
    const node = await TestNode.online(account);
    const key = node.session?.session_key ?? "";
    const [body = "", signature = ""] = key.split(".");
    const claims = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
    const forged = btoa(JSON.stringify({ ...claims, session: 99 })).replaceAll("=", "");
    const bad = [
      "",
      "x",
      body,
      `${flipped(body)}.${signature}`,
      `${body}.${flipped(signature)}`,
      `${forged}.${signature}`,
    ];
    for (const each of [...bad, await node.challenge(), account.key]) {
      expect(refused(await node.call("heartbeat", {}, each))).toEqual([401, "session_expired"]);
    }
    const socket = await call(`${PARTITION_PATH}/socket`, { headers: { upgrade: "websocket" } });
    expect(socket.status).toBe(401);
  });

  it("opens no other partition than those that exist: 404, and none is born", async () => {
    const node = await TestNode.online(account);
    const headers = { authorization: `Bearer ${node.session?.session_key}` };
    const beat = { holding: [], slots: { download: 1, live: 0 }, state: "running" };
    for (const name of ["p1:auto:1", "p1:mars:0", "p2:auto:0", "x", "p1:auto:0:0"]) {
      const answer = await send("POST", `${FLEET_BASE}/partitions/${name}/heartbeat`, beat, headers);
      expect(refused(answer)).toEqual([404, "not_found"]);
    }
    const { results } = await env.DB.prepare("SELECT name FROM partitions").all();
    expect(results).toEqual([{ name: "p1:auto:0" }]);
  });

  it("opens a partition of earlier times, where accounts may still live, and the session names it", async () => {
    await env.DB.prepare("INSERT INTO partitions (name, epoch, claimed_at) VALUES ('p1:old:3', 1, 1)").run();
    const node = await TestNode.online(account);
    expect(node.session?.partitions).toEqual(["p1:auto:0", "p1:old:3"]);
    const headers = { authorization: `Bearer ${node.session?.session_key}` };
    const beat = { holding: [], slots: { download: 1, live: 0 }, state: "running" };
    expect((await send("POST", `${FLEET_BASE}/partitions/p1:old:3/heartbeat`, beat, headers)).status).toBe(200);
  });
});

describe("a fault of ours", () => {
  it("tells a node to come again, never that its request was bad", async () => {
    const node = await registered();
    await env.DB.prepare("ALTER TABLE nodes RENAME TO gone").run();
    try {
      const quiet = vi.spyOn(console, "log").mockReturnValue();
      const answer = await node.askSession();
      expect(quiet).toHaveBeenCalledWith(expect.stringContaining("request.failed"));
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.body.error).toBe("unavailable");
      expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    } finally {
      await env.DB.prepare("ALTER TABLE gone RENAME TO nodes").run();
    }
  });
});

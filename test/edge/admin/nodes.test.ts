/** The fleet in the operator's hands: list, drain, resume, remove. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { FLEET_BASE, type SessionAnswer } from "../../../shared/contract/fleet.ts";
import { enrolment, PARTITION_PATH, TestNode } from "../fleet-node.ts";
import { type Account, admin, call, newAccount } from "../support.ts";

const OLD_VERSIONS = { node: "24.0.0", ytdlp: "2026.05.01", ffmpeg: "7.1", adapter: "warm-host" };

interface Listed {
  id: string;
  name: string;
  state: string;
  reason: string | null;
  running: number;
  last_seen: number;
  cool_downs: { host: string; until: number }[];
}

async function listed(node: TestNode): Promise<Listed | undefined> {
  const answer = await admin<{ nodes: Listed[] }>("GET", "/admin/nodes");
  expect(answer.status).toBe(200);
  return answer.body.nodes.find((each) => each.id === node.id);
}

async function fleet(tags: string[] = []): Promise<{ account: Account; node: TestNode }> {
  const account = await newAccount();
  const node = await TestNode.online(account, tags);
  await node.heartbeat();
  return { account, node };
}

const order = (node: TestNode, what: "drain" | "resume") => admin("POST", `/admin/nodes/${node.id}/${what}`);
const remove = (node: TestNode) => admin("DELETE", `/admin/nodes/${node.id}`);

async function statusOf(account: Account, job: string): Promise<unknown> {
  const { body } = await account.api("GET", `/jobs/${job}`);
  return [body.status, body.attempts];
}

describe("GET /admin/nodes", () => {
  it("lists each node with its session, its work and its cool-downs", async () => {
    const { account, node } = await fleet(["region=eu"]);
    await account.createJob();
    await account.createJob({ url: "https://busy.example.com/v1" });
    const [one, two] = await node.lease();
    if (one === undefined || two === undefined) throw new Error("two jobs wait");
    await node.job(one, "confirm");
    await node.job(two, "confirm");
    const busy = new URL(one.url).host === "busy.example.com" ? one : two;
    await node.job(busy, "fail", { class: "rate", message: "429", retry_after_seconds: 90, permanent: false });
    const now = Date.now();
    expect(await listed(node)).toEqual({
      id: node.id,
      name: "fra-07",
      state: "running",
      reason: null,
      slots: { download: 4, live: 8 },
      running: 1,
      tags: ["region=eu"],
      versions: { node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "command-line" },
      last_seen: expect.any(Number),
      cool_downs: [{ host: "busy.example.com", until: expect.any(Number) }],
    });
    const { last_seen, cool_downs } = (await listed(node)) as Listed;
    expect(Math.abs(now - last_seen)).toBeLessThan(10_000);
    expect(Math.abs((cool_downs[0]?.until ?? 0) - now - 90_000)).toBeLessThan(10_000);
  });

  it("knows a node that never opened a session, as offline and never seen", async () => {
    const node = await TestNode.create();
    await node.register(await enrolment());
    expect(await listed(node)).toMatchObject({
      state: "offline",
      running: 0,
      last_seen: null,
      slots: {},
      versions: {},
    });
  });

  it("gives no work to a node whose yt-dlp is too old, says why, and takes it back when it comes with a new one", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    const old = await node.askSession({ resume: node.session?.session ?? null, versions: OLD_VERSIONS });
    expect(old).toMatchObject({ status: 201, body: { quiet: "yt-dlp 2026.05.01 is older than 2026.07.04" } });
    node.session = old.body as unknown as SessionAnswer;
    await account.createJob();
    // It may say what it likes.
    await node.heartbeat();
    expect(await node.lease()).toEqual([]);
    expect(await listed(node)).toMatchObject({ state: "quiet", reason: "yt-dlp 2026.05.01 is older than 2026.07.04" });
    const { session } = await node.open(node.session.session);
    expect(session).toBe(node.session.session);
    expect(node.session).not.toHaveProperty("quiet");
    expect(await node.lease()).toHaveLength(1);
    await node.heartbeat();
    expect(await listed(node)).toMatchObject({ state: "running", reason: null });
  });

  it("says of a yt-dlp without a version that it is too old, and keeps what runs on the node", async () => {
    const { account, node } = await fleet();
    const job = await account.createJob();
    const [leased] = await node.lease();
    if (leased === undefined) throw new Error("a job waits");
    await node.job(leased, "confirm");
    const versions = { ...OLD_VERSIONS, ytdlp: "\u001b[31mnone" };
    const answer = await node.askSession({ resume: node.session?.session ?? null, versions });
    node.session = answer.body as unknown as SessionAnswer;
    expect(answer.body.quiet).toBe("yt-dlp none is older than 2026.07.04");
    expect((await node.job(leased, "step", { step: "download" })).status).toBe(200);
    expect(await statusOf(account, job)).toEqual(["Processing", 1]);
  });

  it("asks nothing of a node that fetches without yt-dlp", async () => {
    const { account, node } = await fleet();
    const versions = { ...OLD_VERSIONS, ytdlp: "none" };
    const answer = await node.askSession({ resume: node.session?.session ?? null, versions });
    expect(answer).toMatchObject({ status: 201, body: { session: expect.any(Number) } });
    expect(answer.body).not.toHaveProperty("quiet");
    node.session = answer.body as unknown as SessionAnswer;
    await account.createJob();
    expect(await node.lease()).toHaveLength(1);
  });

  it("shows a node that says itself that it is quiet, with its reason cleaned, while it is", async () => {
    const { node } = await fleet();
    const beat = { holding: [], slots: { download: 0, live: 0 }, state: "quiet" };
    await node.call("heartbeat", beat);
    expect(await listed(node)).toMatchObject({ state: "quiet", reason: null });
    await node.call("heartbeat", { ...beat, reason: "\u001b[31m300 MiB of disk are free" });
    expect(await listed(node)).toMatchObject({ state: "quiet", reason: "300 MiB of disk are free" });
    const long = await node.call("heartbeat", { ...beat, reason: "x".repeat(201) });
    expect(long).toMatchObject({
      status: 400,
      body: { error: "bad_request", message: expect.stringMatching(/^reason/) },
    });
    await node.heartbeat();
    expect(await listed(node)).toMatchObject({ state: "running", reason: null });
  });

  it("shows a node in quarantine, with its fault; a resume gives it work again", async () => {
    const { account, node } = await fleet();
    const fault = { class: "node_fault", message: "A tool is missing on the worker node", retry_after_seconds: null };
    const jobs = [await account.createJob(), await account.createJob(), await account.createJob()];
    for (const leased of await node.lease()) {
      await node.job(leased, "confirm");
      const answer = await node.job(leased, "fail", { ...fault, permanent: false });
      expect(answer.body, "the job goes on").toEqual({ state: "delayed" });
    }
    const reason = "3 faults in a row, the last one: A tool is missing on the worker node";
    expect(await listed(node)).toMatchObject({ state: "quarantined", reason, running: 0 });
    expect((await node.heartbeat()).body).toMatchObject({ drain: true, reason });
    await account.createJob();
    expect(await node.lease()).toEqual([]);
    for (const job of jobs) expect(await statusOf(account, job)).toEqual(["Pending", 1]);
    // What is said of it outlives its session.
    await node.open();
    expect(await node.lease()).toEqual([]);

    expect(await order(node, "resume")).toMatchObject({ status: 200, body: { state: "running", reason: null } });
    expect((await node.heartbeat()).body).not.toHaveProperty("drain");
    expect((await node.lease()).length).toBeGreaterThan(0);
  });
});

describe("POST /admin/nodes/{id}/drain and /resume", () => {
  it("a drained node finishes what it has, gets nothing new, and is told by its heartbeat", async () => {
    const { account, node } = await fleet();
    await account.createJob();
    const first = await node.take();
    const drained = await order(node, "drain");
    expect(drained).toMatchObject({ status: 200, body: { id: node.id, state: "quiet", running: 1 } });
    const second = await account.createJob();
    expect(await node.lease()).toEqual([]);
    const beat = await node.heartbeat([{ job: first.job, token: first.token }]);
    expect(beat.body).toMatchObject({ kill: [], drain: true });
    expect((await node.deliver(first, "bytes of the first")).status).toBe(200);
    expect(await statusOf(account, second)).toEqual(["Pending", 0]);
    expect(await listed(node)).toMatchObject({ state: "quiet", running: 0 });

    expect(await order(node, "resume")).toMatchObject({ status: 200, body: { state: "running" } });
    expect((await node.lease()).map((job) => job.job)).toEqual([second]);
    expect((await node.heartbeat()).body).not.toHaveProperty("drain");
  });

  it("both may be repeated, and outlive the node's session", async () => {
    const { account, node } = await fleet();
    await order(node, "drain");
    const at = () => env.DB.prepare("SELECT drained_at FROM nodes WHERE id = ?").bind(node.id).first("drained_at");
    const first = await at();
    expect((await order(node, "drain")).status).toBe(200);
    expect(await at()).toBe(first);
    await node.open();
    await account.createJob();
    expect(await node.lease()).toEqual([]);
    expect(await listed(node)).toMatchObject({ state: "quiet" });
    expect((await order(node, "resume")).status).toBe(200);
    expect((await order(node, "resume")).status).toBe(200);
    expect(await at()).toBeNull();
    expect(await node.lease()).toHaveLength(1);
  });

  it("a drained node is not rung, though it connects anew, and a resumed one is, before its next heartbeat", async () => {
    const { account, node } = await fleet();
    const running = await account.createJob();
    const held = await node.take();
    await order(node, "drain");
    await account.createJob();
    await node.call("heartbeat", { holding: [held], slots: { download: 0, live: 0 }, state: "quiet" });
    const drained = await node.connect();
    // Somebody looks at what it runs.
    await account.api("GET", `/jobs/${running}`);
    expect(await drained.first).toMatchObject({ type: "pace" });

    const { socket, first } = await node.connect();
    await order(node, "resume");
    expect(await first).toEqual({ type: "ring" });
    socket.close();
  });

  it("nobody waits for a drained node: what another one would be preferred for, this one gets", async () => {
    const { account, node } = await fleet();
    const other = await TestNode.online(account);
    await other.heartbeat();
    await account.createJob();
    const job = await node.take();
    await node.job(job, "fail", { class: "rate", message: "429", retry_after_seconds: 600, permanent: false });
    const next = await account.createJob();
    // The host rests on this node, and the other one could serve it.
    expect(await node.lease()).toEqual([]);
    await order(other, "drain");
    expect((await node.lease()).map((each) => each.job)).toEqual([next]);
  });
});

describe("DELETE /admin/nodes/{id}", () => {
  it("ends the session: what it held is ready again at once, without a try, and its token is worth nothing", async () => {
    const { account, node } = await fleet();
    const other = await TestNode.online(account);
    const [running, offered] = [await account.createJob(), await account.createJob()];
    const jobs = await node.lease();
    const held = jobs.find((job) => job.job === running);
    if (held === undefined) throw new Error("both were leased");
    await node.job(held, "confirm");
    expect(await remove(node)).toMatchObject({ status: 200, body: { id: node.id, revoked: true } });

    expect(await statusOf(account, running)).toEqual(["Pending", 1]);
    expect(await statusOf(account, offered)).toEqual(["Pending", 0]);
    const again = await other.lease();
    expect(again.map((job) => job.job).sort()).toEqual([running, offered].sort());
    expect(again.every((job) => jobs.every((former) => former.token !== job.token || former.job !== job.job))).toBe(
      true,
    );
    const history = await admin<{ tries: unknown; attempts: unknown[] }>("GET", `/admin/jobs/${running}`);
    expect(history.body.tries).toEqual({});
    expect(history.body.attempts).toMatchObject([{ node: "fra-07", outcome: "released" }]);
  });

  it("every call of the node is 403 node_revoked from then on, its socket too", async () => {
    const { account, node } = await fleet();
    await account.createJob();
    const job = await node.take();
    await remove(node);
    const answers = [
      await node.heartbeat([{ job: job.job, token: job.token }]),
      await node.call("lease", { request_id: crypto.randomUUID(), slots: { download: 1, live: 0 } }),
      await node.job(job, "step", { step: "download" }),
      await node.job(job, "fail", { class: "network", message: "x", retry_after_seconds: null, permanent: false }),
      await node.askSession({ resume: node.session?.session ?? null }),
    ];
    for (const answer of answers) expect([answer.status, answer.body.error]).toEqual([403, "node_revoked"]);
    const socket = await call(`${PARTITION_PATH}/socket`, {
      headers: { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` },
    });
    expect(socket.status).toBe(403);
    expect(await socket.json()).toMatchObject({ error: "node_revoked" });
  });

  it("closes the open socket, after the kill for what was running", async () => {
    const { account, node } = await fleet();
    const opened = await call(`${PARTITION_PATH}/socket`, {
      headers: { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` },
    });
    const socket = opened.webSocket;
    if (socket === null) throw new Error("no socket");
    const frames: unknown[] = [];
    const closed = new Promise<number>((resolve) => {
      socket.addEventListener("message", (message) => {
        frames.push(JSON.parse(String(message.data)));
      });
      socket.addEventListener("close", (event) => resolve(event.code));
    });
    socket.accept();
    await account.createJob();
    const { job, token } = await node.take();
    await remove(node);
    expect(await closed).toBe(4003);
    expect(frames).toContainEqual({ type: "kill", attempts: [{ job, token }] });
  });

  it("takes it off the list; its key enrols no more, whatever the token, and a repeat is fine", async () => {
    const { node } = await fleet();
    await remove(node);
    expect(await listed(node)).toBeUndefined();
    const again = await node.register(await enrolment());
    expect([again.status, again.body.error]).toEqual([403, "node_revoked"]);
    expect((await remove(node)).status).toBe(200);
    expect((await order(node, "drain")).status).toBe(404);
    expect((await order(node, "resume")).status).toBe(404);
  });

  it("reaches a partition that is born after it", async () => {
    const { node } = await fleet();
    const drained = await TestNode.online(await newAccount());
    await remove(node);
    await order(drained, "drain");
    const late = "p1:auto:9";
    await env.DB.prepare("INSERT INTO partitions (name, epoch, claimed_at) VALUES (?, 0, 0)").bind(late).run();
    const ask = (each: TestNode, path: string, body: unknown) =>
      call(`${FLEET_BASE}/partitions/${encodeURIComponent(late)}/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${each.session?.session_key}` },
        body: JSON.stringify(body),
      });
    const beat = { holding: [], slots: { download: 1, live: 0 }, state: "running" };
    const refused = await ask(node, "heartbeat", beat);
    expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ error: "node_revoked" })]);
    expect(await (await ask(drained, "heartbeat", beat)).json()).toMatchObject({ drain: true });
  });
});

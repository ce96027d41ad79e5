/** Quarantine of a node is the whole fleet's, over four partitions (docs/decisions/120). */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { Partition } from "../../../edge/index.ts";
import { parsePrometheus, sampleOf } from "../../shared/prometheus-parser.ts";
import { PARTITION, TestNode } from "../fleet-node.ts";
import { type Account, admin, call, newAccount } from "../support.ts";

const PARTITIONS = [PARTITION, "p1:auto:1", "p1:auto:2", "p1:auto:3"];
const REASON = "3 faults in a row, the last one: A tool is missing on the worker node";

beforeAll(async () => {
  for (const name of PARTITIONS) await env.PARTITION.getByName(name).nodesOnline();
});

/** A shared node and an account in each partition, so that each has work of its own. */
async function fleet(): Promise<{ node: TestNode; accounts: Map<string, Account> }> {
  const accounts = new Map<string, Account>();
  for (const name of PARTITIONS) {
    const account = await newAccount();
    await env.DB.prepare("UPDATE accounts SET partition = ? WHERE id = ?").bind(name, account.id).run();
    accounts.set(name, account);
  }
  const node = await TestNode.create();
  const made = await admin<{ token: string }>("POST", "/admin/enrolments", {});
  await node.register(made.body.token);
  await node.open();
  await everywhere(node, () => node.heartbeat());
  return { node, accounts };
}

/** What the call gives in each partition, in order. */
async function everywhere<Result>(node: TestNode, ask: () => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const name of PARTITIONS) {
    node.partition = name;
    results.push(await ask());
  }
  return results;
}

async function take(node: TestNode, accounts: Map<string, Account>, partition: string) {
  node.partition = partition;
  await accounts.get(partition)?.createJob({ filename: crypto.randomUUID() });
  return node.take();
}

async function fault(node: TestNode, accounts: Map<string, Account>, partition: string): Promise<void> {
  const job = await take(node, accounts, partition);
  const body = { class: "node_fault", message: "A tool is missing on the worker node", retry_after_seconds: null };
  const answer = await node.job(job, "fail", { ...body, permanent: false });
  expect(answer.body).toEqual({ state: "delayed" });
}

async function deliver(node: TestNode, accounts: Map<string, Account>, partition: string): Promise<void> {
  expect((await node.deliver(await take(node, accounts, partition), "the media")).status).toBe(200);
}

/** The reasons that its heartbeats hear, null where it may work. */
function reasons(node: TestNode): Promise<unknown[]> {
  return everywhere(node, async () => {
    const { body } = await node.heartbeat();
    return body.drain === true ? body.reason : null;
  });
}

async function quarantined(node: TestNode): Promise<void> {
  await vi.waitFor(async () => expect(await reasons(node)).toEqual(PARTITIONS.map(() => REASON)), { timeout: 5_000 });
}

/** Everything that was seen has been told. */
async function told(): Promise<void> {
  await vi.waitFor(async () => {
    for (const name of PARTITIONS) expect(await rowsOf(name, "SELECT * FROM node_notes")).toEqual([]);
  });
}

function rowsOf(name: string, query: string): Promise<unknown[]> {
  return runInDurableObject(env.PARTITION.getByName(name), (_, state) => state.storage.sql.exec(query).toArray());
}

async function listed(node: TestNode): Promise<{ state: string; reason: string | null } | undefined> {
  const answer = await admin<{ nodes: { id: string; state: string; reason: string | null }[] }>("GET", "/admin/nodes");
  return answer.body.nodes.find((each) => each.id === node.id);
}

async function gauge(): Promise<number> {
  const answer = await call("/metrics", { headers: { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` } });
  return sampleOf(parsePrometheus(await answer.text()), "trawl_nodes", { state: "quarantined" });
}

const resume = (node: TestNode) => admin("POST", `/admin/nodes/${node.id}/resume`);

describe("a node with faults in several partitions", () => {
  it("is in quarantine in all of them after three, and works in all of them once it is resumed", async () => {
    const { node, accounts } = await fleet();
    const before = await gauge();
    for (const name of PARTITIONS.slice(0, 3)) await fault(node, accounts, name);
    await quarantined(node);
    expect(await listed(node)).toMatchObject({ state: "quarantined", reason: REASON });
    expect(await gauge()).toBe(before + 1);
    for (const account of accounts.values()) await account.createJob();
    expect(await everywhere(node, () => node.lease())).toEqual(PARTITIONS.map(() => []));

    expect(await resume(node)).toMatchObject({ status: 200, body: { state: "running", reason: null } });
    expect(await reasons(node)).toEqual(PARTITIONS.map(() => null));
    expect(await gauge()).toBe(before);
    for (const leased of await everywhere(node, () => node.lease())) expect(leased.length).toBeGreaterThan(0);
  });

  it("stays there when partitions are evicted or wiped, and when it is not there itself", async () => {
    const { node, accounts } = await fleet();
    for (const name of PARTITIONS.slice(1)) await fault(node, accounts, name);
    await quarantined(node);
    const [first = "", second = "", third = ""] = PARTITIONS;
    await evictDurableObject(env.PARTITION.getByName(second));
    for (const name of [first, third]) {
      await runInDurableObject(env.PARTITION.getByName(name), (_, state) => state.storage.deleteAll());
      await evictDurableObject(env.PARTITION.getByName(name));
    }
    await node.open();
    expect(await reasons(node)).toEqual(PARTITIONS.map(() => REASON));
    for (const name of PARTITIONS) {
      await runInDurableObject(env.PARTITION.getByName(name), (_, state) => {
        state.storage.sql.exec("UPDATE sessions SET lease_until = 0");
      });
    }
    expect(await listed(node)).toMatchObject({ state: "quarantined", reason: REASON });
    await resume(node);
  });

  it("has three more after a delivery in yet another one", async () => {
    const { node, accounts } = await fleet();
    const [first = "", second = "", third = "", fourth = ""] = PARTITIONS;
    await fault(node, accounts, first);
    await fault(node, accounts, second);
    await told();
    await deliver(node, accounts, third);
    await told();
    await fault(node, accounts, fourth);
    await fault(node, accounts, first);
    await told();
    expect(await reasons(node)).toEqual(PARTITIONS.map(() => null));
    expect(await listed(node)).toMatchObject({ state: "running" });
    await fault(node, accounts, second);
    await quarantined(node);
    await resume(node);
  });

  it("is known to a partition that did not hear of it at first", async () => {
    const { node, accounts } = await fleet();
    const [first = ""] = PARTITIONS;
    const spy = vi.spyOn(Partition.prototype, "adminTakeStandings").mockRejectedValue(new Error("away"));
    for (const _ of [1, 2, 3]) await fault(node, accounts, first);
    await vi.waitFor(() => expect(spy.mock.calls.length).toBeGreaterThanOrEqual(PARTITIONS.length - 1));
    expect(await reasons(node)).toEqual([REASON, null, null, null]);
    expect(await listed(node), "D1 has it").toMatchObject({ state: "quarantined" });
    spy.mockRestore();
    await vi.waitFor(async () => expect(await runDurableObjectAlarm(env.PARTITION.getByName(first))).toBe(true));
    await quarantined(node);
    await resume(node);
  });
});

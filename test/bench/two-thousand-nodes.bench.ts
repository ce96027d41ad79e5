/**
 * Two thousand nodes with sockets at one embedded edge: what they cost in memory, how long a round of heartbeats takes, whether
 * each of them gets its share, and how long their jobs take to their ends. Every node has one slot, asks for a lease when it is
 * rung, and never polls.
 */

import type { LeasedJob } from "../../shared/contract/fleet.ts";
import { type Bench, type Row, timed } from "./bench.ts";
import { BenchNode } from "./bench-node.ts";
import { type BenchStack, startStack } from "./stack.ts";

const NODES = 2_000;
/** Opened side by side. */
const AT_ONCE = 20;
const BULK = 100;
const MIB = 1_048_576;

interface Fleet {
  nodes: readonly BenchNode[];
  /** What each of them holds. */
  jobs: LeasedJob[][];
  /** Jobs that the node got, by node. */
  got: number[];
  leases: number;
  /** Resolves once so many jobs are handed out in all. */
  handedOut(jobs: number): Promise<void>;
  close(): void;
}

async function openFleet(stack: BenchStack): Promise<Fleet> {
  const nodes: BenchNode[] = [];
  const waiting: { jobs: number; done: () => void }[] = [];
  const fleet: Fleet = {
    nodes,
    jobs: Array.from({ length: NODES }, () => []),
    got: Array.from({ length: NODES }, () => 0),
    leases: 0,
    handedOut: (jobs) => new Promise((done) => waiting.push({ jobs, done })),
    close: () => {
      for (const node of nodes) node.close();
    },
  };
  const asking = new Set<number>();
  const ask = async (index: number): Promise<void> => {
    if (asking.has(index) || fleet.got[index] !== 0) return;
    asking.add(index);
    fleet.leases++;
    fleet.jobs[index] = (await nodes[index]?.lease(1)) ?? [];
    fleet.got[index] = fleet.jobs[index]?.length ?? 0;
    asking.delete(index);
    const total = fleet.got.reduce((sum, each) => sum + each, 0);
    for (const each of waiting.filter(({ jobs }) => total >= jobs)) each.done();
  };
  const open = async (index: number): Promise<void> => {
    const node = await BenchNode.online(stack, () => void ask(index));
    nodes[index] = node;
    await node.heartbeat([], 1);
  };
  await inParallel(open);
  return fleet;
}

/** For each node, some at a time. */
async function inParallel(work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < NODES) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** What nodes that hold their jobs say every 20 s. */
async function beatAll({ nodes, jobs }: Fleet): Promise<void> {
  await inParallel(async (index) => nodes[index]?.heartbeat(jobs[index] ?? [], 0));
}

/** Each delivers a file of some bytes; returns once the last is completed. */
async function deliverAll(stack: BenchStack, { nodes, jobs }: Fleet): Promise<void> {
  await inParallel(async (index) => {
    const [job] = jobs[index] ?? [];
    const node = nodes[index];
    if (job === undefined || node === undefined) throw new Error("a node has no job");
    await node.job(job, "complete", { manifest: await node.putFile(job) });
  });
  const headers = { authorization: `Bearer ${stack.adminToken}` };
  for (;;) {
    const text = await (await fetch(`${stack.url}/metrics`, { headers })).text();
    const done = /^trawl_jobs_finished_total\{[^}]*completed[^}]*\} (\d+)$/m.exec(text)?.[1];
    if (Number(done) === NODES) return;
  }
}

async function create({ url, apiKey }: BenchStack, count: number): Promise<void> {
  const jobs = Array.from({ length: BULK }, () => ({ url: "http://127.0.0.1:9/a.mp4" }));
  for (let made = 0; made < count; made += BULK) {
    const headers = { "x-api-key": apiKey, "content-type": "application/json" };
    const answer = await fetch(`${url}/jobs/bulk`, { method: "POST", headers, body: JSON.stringify({ jobs }) });
    if (answer.status !== 201) throw new Error(`POST /jobs/bulk answered ${answer.status}: ${await answer.text()}`);
    await answer.body?.cancel();
  }
}

function plain(what: string, ours: number, unit: Row["unit"], budget: Row["budget"] = null): Row {
  return { what, ours, peer: null, against: null, unit, ratio: null, budget, runs: 1 };
}

export default {
  name: "two thousand nodes",
  limitMillis: 10 * 60_000,
  async run() {
    const stack = await startStack(0, { TRAWL_LEASE_TTL_MS: "3600000" });
    try {
      const before = await stack.workerdBytes();
      const fleet = await openFleet(stack);
      const connected = await stack.workerdBytes();
      const all = fleet.handedOut(NODES);
      const ms = await timed(async () => {
        await create(stack, NODES);
        await all;
      });
      const after = await stack.workerdBytes();
      const round = await timed(() => beatAll(fleet));
      const delivered = await timed(() => deliverAll(stack, fleet));
      const rows: Row[] = [
        {
          what: "memory of workerd with the nodes connected",
          ours: connected / MIB,
          peer: before / MIB,
          against: "none connected",
          unit: "MiB",
          ratio: connected / before,
          budget: null,
          runs: 1,
        },
        plain("memory of workerd after a job for each", after / MIB, "MiB", { atMost: 1_024 }),
        plain("a job for each, until all are handed out", ms, "ms"),
        plain("nodes without a job then", fleet.got.filter((jobs) => jobs === 0).length, "count", { atMost: 0 }),
        plain("leases asked for", fleet.leases, "count"),
        plain("a round of heartbeats, with their jobs", round, "ms"),
        plain("all jobs from confirm to completed, a few bytes each", delivered, "ms"),
        plain("memory of workerd in the end", (await stack.workerdBytes()) / MIB, "MiB", { atMost: 1_024 }),
      ];
      fleet.close();
      return rows;
    } finally {
      await stack.stop();
    }
  },
} satisfies Bench;

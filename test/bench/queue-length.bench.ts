/**
 * The real object in workerd with 1,000,000 ready jobs of 1,000 accounts, over HTTP, against another one with 1,000 of the same:
 * lease, a job's way to its end, create, list, the figures; and what clients notice while the sessions of 500 nodes end at once.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LeasedJob } from "../../shared/contract/fleet.ts";
import { type Bench, median, type Row, timed } from "./bench.ts";
import { BenchNode } from "./bench-node.ts";
import { growData, shortenLeases } from "./long-data.ts";
import { type BenchStack, startStack } from "./stack.ts";

const ACCOUNTS = 1_000;
const LONG = 1_000;
const SHORT = 1;
const CALLS = 60;
const SLOTS = 4;
const SILENT_NODES = 500;
/** Longer than a start takes. Silent while clients ask, the nodes are spared once, so that they are given up after two of these. */
const SILENCE_TTL_MS = 20_000;

const JOB = { url: "http://127.0.0.1:9/a.mp4" };
const MOST = "10000000";
/** Everything is of one host here, which is not what is measured. */
const SETTINGS = { TRAWL_MAX_PENDING: MOST, TRAWL_MAX_PARTITION_READY: MOST, TRAWL_MAX_PER_HOST: "0" };
const PATIENT = { ...SETTINGS, TRAWL_LEASE_TTL_MS: "3600000" };

async function send({ url, apiKey }: BenchStack, method: string, path: string, body?: object): Promise<string> {
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.text();
}

async function figures({ url, adminToken }: BenchStack): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } })).text();
}

async function lease(node: BenchNode): Promise<LeasedJob[]> {
  const jobs = await node.lease(SLOTS);
  if (jobs.length !== SLOTS) throw new Error(`leased ${jobs.length} of ${SLOTS}`);
  return jobs;
}

/** One stack under measurement. Whatever a call takes from the queue goes back between the calls. */
class Side {
  readonly stack: BenchStack;
  readonly #node: BenchNode;

  private constructor(stack: BenchStack, node: BenchNode) {
    this.stack = stack;
    this.#node = node;
  }

  static async open(root: string): Promise<Side> {
    const stack = await startStack(0, PATIENT, root);
    return new Side(stack, await BenchNode.online(stack));
  }

  async #release(jobs: readonly LeasedJob[]): Promise<void> {
    for (const job of jobs) await this.#node.job(job, "release");
  }

  /** Milliseconds of one call. */
  readonly calls: Record<string, () => Promise<number>> = {
    [`lease of ${SLOTS}`]: async () => {
      let jobs: LeasedJob[] = [];
      const ms = await timed(async () => {
        jobs = await lease(this.#node);
      });
      await this.#release(jobs);
      return ms;
    },
    heartbeat: () => timed(() => this.#node.heartbeat([])),
    "complete, with its file put before": async () => {
      const [job, ...rest] = await lease(this.#node);
      if (job === undefined) throw new Error("nothing leased");
      const manifest = await this.#node.putFile(job);
      const ms = await timed(() => this.#node.job(job, "complete", { manifest }));
      await this.#release(rest);
      return ms;
    },
    "POST /jobs": () => timed(() => send(this.stack, "POST", "/jobs", JOB)),
    "GET /jobs": () => timed(() => send(this.stack, "GET", "/jobs?limit=20")),
    "GET /jobs?status=pending": () => timed(() => send(this.stack, "GET", "/jobs?limit=20&status=pending")),
    "GET /api/downloads?status=pending": () =>
      timed(() => send(this.stack, "GET", "/api/downloads?limit=20&status=pending")),
    "GET /metrics": () => timed(() => figures(this.stack)),
  };

  async stop(): Promise<void> {
    this.#node.close();
    await this.stack.stop("keep");
  }
}

/** Two data folders, of one account and job, grown to their lengths while nothing runs. */
async function makeData(folder: string): Promise<[long: string, short: string]> {
  const roots = [join(folder, "long"), join(folder, "short")] as const;
  const stack = await startStack(0, PATIENT);
  await send(stack, "POST", "/jobs", JOB);
  await stack.stop("keep");
  for (const root of roots) cpSync(stack.root, root, { recursive: true });
  rmSync(stack.root, { recursive: true });
  growData(roots[0], { accounts: ACCOUNTS, jobs: LONG });
  growData(roots[1], { accounts: ACCOUNTS, jobs: SHORT });
  return [...roots];
}

/** The longest wait of a client that asks all the time, while so many nodes with a job each are given up. */
async function worstWhileReaping(root: string): Promise<number> {
  const patient = await startStack(0, PATIENT, root);
  for (let first = 0; first < SILENT_NODES; first += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const node = await BenchNode.online(patient);
        const [job] = await node.lease(1);
        if (job !== undefined) await node.job(job, "confirm");
        node.close();
      }),
    );
  }
  await patient.stop("keep");
  shortenLeases(root, SILENCE_TTL_MS);
  const stack = await startStack(0, { ...SETTINGS, TRAWL_LEASE_TTL_MS: String(SILENCE_TTL_MS) }, root);
  const running = async () =>
    Number(/^trawl_jobs\{[^}]*state="running"[^}]*\} (\d+)$/m.exec(await figures(stack))?.[1]);
  let worst = 0;
  try {
    if ((await running()) !== SILENT_NODES) throw new Error(`${await running()} jobs run`);
    const until = performance.now() + 5 * SILENCE_TTL_MS;
    for (let left = SILENT_NODES; left > 0 && performance.now() < until; ) {
      const ms = await timed(async () => {
        left = await running();
      });
      worst = Math.max(worst, ms);
    }
    if ((await running()) > 0) throw new Error("nobody was given up");
  } finally {
    await stack.stop("keep");
  }
  return worst;
}

export default {
  name: "queue length",
  limitMillis: 15 * 60_000,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "trawl-queue-"));
    try {
      const roots = await makeData(folder);
      const [long, short] = [await Side.open(roots[0]), await Side.open(roots[1])];
      const rows: Row[] = [];
      for (const what of Object.keys(long.calls)) {
        const pairs: [number, number][] = [];
        for (let call = -5; call < CALLS; call++) {
          const pair: [number, number] = [(await long.calls[what]?.()) ?? 0, (await short.calls[what]?.()) ?? 0];
          if (call >= 0) pairs.push(pair);
        }
        const [ours, peer] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))];
        const budget = what.startsWith("lease") ? { atMost: 1.5 } : null;
        const sides = { ours, peer, ratio: ours / peer, against: "1,000 ready", unit: "ms" } as const;
        rows.push({ what: `${what} at 1,000,000 ready`, ...sides, budget, runs: CALLS });
      }
      const [mine, peers] = [await long.stack.workerdBytes(), await short.stack.workerdBytes()];
      const memory = { ours: mine / 1_048_576, peer: peers / 1_048_576, ratio: mine / peers, unit: "MiB" } as const;
      rows.push({
        what: "memory of workerd at 1,000,000 ready",
        ...memory,
        against: "1,000 ready",
        budget: null,
        runs: 1,
      });
      await Promise.all([long.stop(), short.stop()]);
      const [ours, peer] = [await worstWhileReaping(roots[0]), await worstWhileReaping(roots[1])];
      const reaped = { ours, peer, ratio: ours / peer, against: "1,000 ready", unit: "ms" } as const;
      rows.push({ what: `longest answer while ${SILENT_NODES} nodes are given up`, ...reaped, budget: null, runs: 1 });
      return rows;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
} satisfies Bench;

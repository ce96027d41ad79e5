/**
 * The real object in workerd with as many ready jobs as a partition takes (`TRAWL_MAX_PARTITION_READY`, 200,000): a lease, a
 * create, a list and the figures over HTTP, against the same with 1,000.
 */

import { type Bench, median, type Row, timed } from "./bench.ts";
import { BenchNode } from "./bench-node.ts";
import { type BenchStack, startStack } from "./stack.ts";

const SHORT = 1_000;
const LONG = 200_000;
const BULK = 100;
/** Requests at once while the queue is filled. */
const FILLERS = 4;
const CALLS = 100;
const SLOTS = 4;
/** The measured calls add some jobs. */
const ROOM = 10_000;

const JOB = { url: "http://127.0.0.1:9/a.mp4" };

async function send({ url, apiKey }: BenchStack, method: string, path: string, body?: object): Promise<void> {
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function fill(stack: BenchStack, count: number): Promise<void> {
  const jobs = Array.from({ length: BULK }, () => JOB);
  let left = count / BULK;
  const filler = async () => {
    while (left-- > 0) await send(stack, "POST", "/jobs/bulk", { jobs });
  };
  await Promise.all(Array.from({ length: FILLERS }, filler));
}

type Calls = Record<string, () => Promise<unknown>>;

function callsOf(stack: BenchStack, node: BenchNode): Calls {
  const headers = { authorization: `Bearer ${stack.adminToken}` };
  return {
    [`lease of ${SLOTS}`]: () => node.lease(SLOTS),
    "POST /jobs": () => send(stack, "POST", "/jobs", JOB),
    "GET /jobs": () => send(stack, "GET", "/jobs?limit=20"),
    "GET /jobs?status=pending": () => send(stack, "GET", "/jobs?limit=20&status=pending"),
    "GET /metrics": async () => (await fetch(`${stack.url}/metrics`, { headers })).arrayBuffer(),
  };
}

async function measure(calls: Calls): Promise<Map<string, number>> {
  const medians = new Map<string, number>();
  for (const [what, call] of Object.entries(calls)) {
    const times: number[] = [];
    for (let count = 0; count < CALLS; count++) times.push(await timed(call));
    medians.set(what, median(times));
  }
  return medians;
}

export default {
  name: "queue length",
  limitMillis: 15 * 60_000,
  async run() {
    const most = String(LONG + ROOM);
    const stack = await startStack(0, {
      TRAWL_MAX_PENDING: most,
      TRAWL_MAX_PARTITION_READY: most,
      TRAWL_LEASE_TTL_MS: "3600000",
    });
    try {
      const node = await BenchNode.online(stack);
      const calls = callsOf(stack, node);
      await fill(stack, SHORT);
      await measure(calls);
      const short = await measure(calls);
      await fill(stack, LONG - SHORT);
      const long = await measure(calls);
      node.close();
      return [...long].map(([what, ours]): Row => {
        const peer = short.get(what) ?? Number.NaN;
        const budget = what.startsWith("lease") ? { atMost: 1.5 } : null;
        const sides = { ours, peer, ratio: ours / peer };
        return { what: `${what} at 200,000 ready`, ...sides, against: "1,000 ready", unit: "ms", budget, runs: CALLS };
      });
    } finally {
      await stack.stop();
    }
  },
} satisfies Bench;

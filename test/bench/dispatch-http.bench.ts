/**
 * Dispatch over HTTP: jobs in and handed out again, in bulk of 100 and one by one, against pg-boss on PostgreSQL behind the
 * same two calls. What is acknowledged: by the edge, the partition's SQLite and D1 have it, which survives any process that
 * is killed; by PostgreSQL as Debian sets it up, it is flushed to the disk, which survives the loss of power too.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import { type Bench, inTurn, type Row } from "./bench.ts";
import { BenchNode } from "./bench-node.ts";
import { startPostgres } from "./postgres.ts";
import { startStack } from "./stack.ts";

const BULK = 100;
/** As many as one lease may bring. */
const LEASE = 32;
const JOBS_IN_BULK = 2_000;
const JOBS_ONE_BY_ONE = 300;
const RUNS = 5;
/** Nothing is given back here, and a lease counts what its node holds: one node alone would hold thousands. */
const NODES = 100;
const URL_OF_A_JOB = "http://127.0.0.1:9/a.mp4";

interface Queue {
  /** So many in one request. */
  create(count: number): Promise<void>;
  /** Up to so many; how many it were. */
  lease(count: number): Promise<number>;
}

const agent = new Agent({ keepAlive: true });

function post<Body>(url: string, key: string, body: object): Promise<Body> {
  const { promise, resolve, reject } = Promise.withResolvers<Body>();
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const sent = request(url, { method: "POST", agent, headers }, (response) => {
    if (response.statusCode === 201) json(response).then((answer) => resolve(answer as Body), reject);
    else reject(new Error(`${url} answered ${response.statusCode}`));
  });
  sent.once("error", reject);
  sent.end(JSON.stringify(body));
  return promise;
}

function client(url: string, key: string): Pick<Queue, "create"> {
  return {
    async create(count) {
      const job = { url: URL_OF_A_JOB };
      if (count === 1) await post(`${url}/jobs`, key, job);
      else await post(`${url}/jobs/bulk`, key, { jobs: Array.from({ length: count }, () => job) });
    },
  };
}

interface Times {
  inMs: number;
  outMs: number;
}

async function dispatch(queue: Queue, jobs: number, bulk: number, lease: number): Promise<Times> {
  const began = performance.now();
  for (let made = 0; made < jobs; made += bulk) await queue.create(bulk);
  const all = performance.now();
  for (let got = 0; got < jobs; ) {
    const more = await queue.lease(Math.min(lease, jobs - got));
    if (more === 0) throw new Error(`${jobs - got} jobs are not handed out`);
    got += more;
  }
  return { inMs: all - began, outMs: performance.now() - all };
}

async function compare(ours: Queue, peer: Queue, jobs: number, bulk: number, lease: number): Promise<Row[]> {
  const runs: { ours: Times[]; peer: Times[] } = { ours: [], peer: [] };
  const side = (of: "ours" | "peer", queue: Queue) => async () => {
    const times = await dispatch(queue, jobs, bulk, lease);
    runs[of].push(times);
    return (jobs / (times.inMs + times.outMs)) * 1000;
  };
  const whole = await inTurn(RUNS, side("ours", ours), side("peer", peer));
  const part = async (which: keyof Times): Promise<{ ours: number; peer: number; ratio: number }> => {
    const rates = (of: "ours" | "peer") => runs[of].map((times) => (jobs / times[which]) * 1000);
    const [mine, theirs] = [rates("ours"), rates("peer")];
    let at = 0;
    let other = 0;
    return inTurn(
      RUNS,
      async () => mine[at++] ?? Number.NaN,
      async () => theirs[other++] ?? Number.NaN,
    );
  };
  const how = bulk === 1 ? "one by one" : `in bulk of ${bulk}`;
  const row = (what: string, sides: { ours: number; peer: number; ratio: number }, budget: Row["budget"]): Row => ({
    what: `${what}, ${how}`,
    ...sides,
    against: "pg-boss (flushed to disk)",
    unit: "jobs/s",
    budget,
    runs: RUNS,
  });
  return [
    row("in and out", whole, bulk === 1 ? null : { atLeast: 1 }),
    row("in", await part("inMs"), null),
    row("out", await part("outMs"), null),
  ];
}

export default {
  name: "dispatch over HTTP",
  limitMillis: 10 * 60_000,
  async run() {
    const postgres = await startPostgres();
    const server = spawn(process.execPath, [join(import.meta.dirname, "pg-boss-server.ts"), postgres.connection], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    // Offers wait for no confirm here, and one node takes them all from one host.
    const stack = await startStack(0, { TRAWL_LEASE_TTL_MS: "3600000", TRAWL_MAX_PER_HOST: "0" });
    try {
      const [address] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
      const nodes: BenchNode[] = [];
      while (nodes.length < NODES) nodes.push(await BenchNode.online(stack));
      let turn = 0;
      const ours: Queue = {
        ...client(stack.url, stack.apiKey),
        lease: async (count) => (await nodes[turn++ % NODES]?.lease(count))?.length ?? 0,
      };
      const peer: Queue = {
        ...client(address, "bench-key"),
        lease: async (slots) =>
          (await post<{ jobs: unknown[] }>(`${address}/lease`, "bench-key", { slots })).jobs.length,
      };
      const rows = [
        ...(await compare(ours, peer, JOBS_IN_BULK, BULK, LEASE)),
        ...(await compare(ours, peer, JOBS_ONE_BY_ONE, 1, 1)),
      ];
      for (const node of nodes) node.close();
      return rows;
    } finally {
      agent.destroy();
      const exit = once(server, "exit");
      server.kill("SIGTERM");
      await exit;
      await stack.stop();
      await postgres.stop();
    }
  },
} satisfies Bench;

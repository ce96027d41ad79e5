/**
 * Dispatch by the core alone, on `node:sqlite` (DESIGN section 9): how many jobs a second it hands out, and whether what a
 * call takes grows with the queue: 1,000,000 jobs of 1,000 accounts and 2,000 node sessions against 1,000 jobs of the same.
 * Time is that of the processor, so that a busy machine changes little.
 */
import { createJobs } from "../../edge/partition/create.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { getJob } from "../../edge/partition/move.ts";
import { nextDue, runDue } from "../../edge/partition/reap.ts";
import { confirm, extracted } from "../../edge/partition/report.ts";
import { heartbeat, releaseAttempt } from "../../edge/partition/sessions.ts";
import { readStats } from "../../edge/partition/stats.ts";
import type { Turn } from "../../edge/partition/turn.ts";
import { account, id, info, newJob } from "../partition/fixtures.ts";
import { type Bench, inTurn, median, type Row } from "./bench.ts";
import { type LongQueue, longQueue } from "./long-queue.ts";

const SHORT = { jobs: 1_000, accounts: 1_000, sessions: 2_000 };
const LONG = { ...SHORT, jobs: 1_000_000 };
const RUNS = 5;
const CALLS = 40;
const BULK = 32;
/** What a node of four slots asks for when all are free. */
const SLOTS = 4;

let calls = 0;

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Milliseconds that the leases of `CALLS` nodes take; what they got goes back between them, so the queue stays as long. */
function leases(queue: LongQueue, slots: number): { ms: number; jobs: number } {
  let ms = 0;
  let jobs = 0;
  for (let call = 0; call < CALLS; call++) {
    const node = queue.nodes[call % queue.nodes.length];
    if (node === undefined) throw new Error("no node");
    let leased: { job: string }[] = [];
    ms += cpuMs(() => {
      const request = `r${++calls}`;
      leased = queue.run((turn) =>
        leaseJobs(turn, node, request, { download: slots, live: 0 }, Number.MAX_SAFE_INTEGER),
      );
    });
    if (leased.length !== slots) throw new Error(`leased ${leased.length} of ${slots}`);
    jobs += leased.length;
    queue.run((turn) => {
      for (const { job } of leased) releaseAttempt(turn, mustGet(turn, job));
    });
  }
  return { ms, jobs };
}

function mustGet(turn: Turn, job: string) {
  const row = getJob(turn, job);
  if (row === undefined) throw new Error(`no job ${job}`);
  return row;
}

/** The other calls of a partition; each leaves the queue as long as it was. */
const CALLS_OF_ALL: Record<string, (queue: LongQueue, turn: Turn) => void> = {
  create: (_, turn) => {
    const name = `account-${++calls % 1_000}`;
    createJobs(turn, account(name), [newJob(id(100_000_000 + calls), name)]);
  },
  heartbeat: ({ nodes }, turn) => {
    const node = nodes[++calls % nodes.length];
    if (node === undefined) throw new Error("no node");
    heartbeat(turn, node, { holding: [], slots: { download: 4, live: 8 }, state: "running", progress: "[]" });
  },
  "lease to look-up, and back": ({ nodes }, turn) => {
    const node = nodes[++calls % nodes.length];
    if (node === undefined) throw new Error("no node");
    const [leased] = leaseJobs(turn, node, `r${++calls}`, { download: 1, live: 0 }, Number.MAX_SAFE_INTEGER);
    if (leased === undefined) throw new Error("nothing leased");
    const running = confirm(turn, mustGet(turn, leased.job), node);
    const looked = extracted(turn, running, info({ title: `Talk ${calls}` })).job;
    releaseAttempt(turn, looked);
  },
  "alarm without work": (_, turn) => {
    runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now });
    nextDue(turn);
  },
};

async function compare(
  what: string,
  [long, short]: readonly [LongQueue, LongQueue],
  measure: (queue: LongQueue) => number,
  budget: Row["budget"],
): Promise<Row> {
  const sides = await inTurn(
    RUNS,
    async () => measure(long),
    async () => measure(short),
  );
  return { what, ...sides, against: "1,000 queued", unit: "ms", budget, runs: RUNS };
}

function handOuts(queue: LongQueue): Row {
  leases(queue, BULK);
  const rates = Array.from({ length: RUNS }, () => {
    const { ms, jobs } = leases(queue, BULK);
    return (jobs / ms) * 1000;
  });
  return {
    what: `hand-outs, leases of ${BULK}`,
    ours: median(rates),
    peer: null,
    against: null,
    unit: "jobs/s",
    ratio: null,
    budget: { atLeast: 20_000 },
    runs: RUNS,
  };
}

export default {
  name: "dispatch",
  limitMillis: 15 * 60_000,
  async run() {
    const short = longQueue(SHORT);
    const long = longQueue(LONG);
    try {
      const both = [long, short] as const;
      const many = (call: (queue: LongQueue, turn: Turn) => void) => (queue: LongQueue) =>
        cpuMs(() => {
          for (let times = 0; times < CALLS; times++) queue.run((turn) => call(queue, turn));
        }) / CALLS;
      const rows = [
        handOuts(short),
        await compare(`lease of ${SLOTS} at 1,000,000 queued`, both, (queue) => leases(queue, SLOTS).ms / CALLS, {
          atMost: 1.5,
        }),
      ];
      for (const [what, call] of Object.entries(CALLS_OF_ALL)) {
        rows.push(await compare(`${what}, at 1,000,000 queued`, both, many(call), null));
      }
      rows.push(
        await compare("stats, at 1,000,000 queued", both, ({ core }) => cpuMs(() => readStats(core, Date.now())), null),
      );
      return rows;
    } finally {
      short.close();
      long.close();
    }
  },
} satisfies Bench;

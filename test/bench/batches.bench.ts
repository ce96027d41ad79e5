/**
 * A list of 5,000 in one transaction of the partition, against the same jobs made one by one: the transaction, the flights
 * to D1, and the time until all of them are listed. Core and D1's statements on `node:sqlite`, without a network.
 */
import { createBatch } from "../../edge/partition/batches.ts";
import { createJobs } from "../../edge/partition/create.ts";
import { nextEvents } from "../../edge/partition/drain.ts";
import { account, id, newJob, START } from "../partition/fixtures.ts";
import { Generations } from "../partition/generations.ts";
import type { Harness } from "../partition/harness.ts";
import { type Bench, inTurn, type Row, timed } from "./bench.ts";

const CHILDREN = 5_000;
const RUNS = 3;
const FACTS = account("ann");
const BATCH = id(999_999);

interface Side {
  transactionMs: number;
  listedMs: number;
  flights: number;
}

function children(inBatch: boolean) {
  return Array.from({ length: CHILDREN }, (_, index) =>
    newJob(id(index + 1), "ann", inBatch ? { batch_id: BATCH, batch_index: index } : {}),
  );
}

function createAll(harness: Harness): void {
  harness.run((turn) =>
    createJobs(turn, FACTS, children(true), () => {
      createBatch(turn, {
        id: BATCH,
        account_id: "ann",
        kind: "playlist",
        source_url: null,
        folder: null,
        parent_job_id: null,
        webhook_url: null,
        created_at: START,
        paused: false,
        truncated: false,
        total: CHILDREN,
      });
    }),
  );
}

function createEach(harness: Harness): void {
  for (const job of children(false)) {
    harness.now++;
    harness.run((turn) => createJobs(turn, FACTS, [job]));
  }
}

async function side(create: (harness: Harness) => void): Promise<Side> {
  const world = new Generations([FACTS]);
  const harness = await world.birth();
  const transactionMs = await timed(async () => create(harness));
  let flights = 0;
  const drainMs = await timed(async () => {
    for (; nextEvents(harness.sql, "d1").length > 0; flights++) await world.drain(harness);
  });
  const listed = world.d1.jobs().length;
  if (listed !== CHILDREN) throw new Error(`D1 lists ${listed} of ${CHILDREN}`);
  return { transactionMs, listedMs: transactionMs + drainMs, flights };
}

async function compare(what: string, figure: (each: Side) => number): Promise<Row> {
  const measured = (create: (harness: Harness) => void) => async () => figure(await side(create));
  const sides = await inTurn(RUNS, measured(createAll), measured(createEach));
  return { what, ...sides, against: "one by one", unit: "ms", budget: { atMost: 1 }, runs: RUNS };
}

export default {
  name: "batches",
  limitMillis: 5 * 60_000,
  async run() {
    const { flights } = await side(createAll);
    return [
      await compare(`${CHILDREN} children, the transaction`, (each) => each.transactionMs),
      await compare(`${CHILDREN} children, until D1 lists all`, (each) => each.listedMs),
      {
        what: `${CHILDREN} children, flights to D1`,
        ours: flights,
        peer: null,
        against: null,
        unit: "count",
        ratio: null,
        budget: null,
        runs: 1,
      },
    ];
  },
} satisfies Bench;

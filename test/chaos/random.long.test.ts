/**
 * Five minutes of small jobs, five hundred of them and more, on four nodes, while nodes, host and workerd are killed or
 * frozen and lines are cut at random moments. Which fault comes and how long after the last one is drawn from a seed, which
 * is printed; `TRAWL_CHAOS_SEED` takes it, `TRAWL_CHAOS_SECONDS` and `TRAWL_CHAOS_JOBS` another length. The moment inside the
 * work still depends on the machine.
 *
 * Every create has an idempotency key and is repeated until it is answered: so there are exactly as many jobs as wishes.
 */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Receiver } from "../e2e/clients/receiver.ts";
import type { Job, JobEvent } from "../e2e/harness/api.ts";
import { atEnd } from "../e2e/harness/at-end.ts";
import { layCable } from "../e2e/harness/cable.ts";
import { downloadsAreClean, endsOnce, hasItsFile, noStrays } from "../e2e/harness/clean.ts";
import { type ExtraNode, startNode } from "../e2e/harness/extra-node.ts";
import { createOnce, persistently } from "../e2e/harness/persistently.ts";
import { processesOf, signal } from "../e2e/harness/processes.ts";
import { attemptsOf } from "../e2e/harness/record.ts";
import { isRunning, LEASE_TTL_MS, Stack } from "../e2e/harness/stack.ts";
import { startOrigin } from "../origin/server.ts";

const SEED = Number(process.env.TRAWL_CHAOS_SEED ?? randomInt(2 ** 31));
const LENGTH_MS = 1_000 * Number(process.env.TRAWL_CHAOS_SECONDS ?? 300);
/** Faults go on until there are so many, too. */
const JOBS = Number(process.env.TRAWL_CHAOS_JOBS ?? 500);
/** Jobs that are under way at once. */
const CLIENTS = 6;
const EXTRA_NODES = ["north", "south", "east"];
const SLOTS = 2;
const CALM_MS = { min: 500, max: 6_000 };
/** The third loss of a job is final (jobs API 12). */
const LOSSES = 3;

/** Mulberry32: a small generator whose whole state is the seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of each acknowledged job, the events that the edge remembered when it had ended. */
type Histories = Map<string, JobEvent[]>;

const SOURCES = ["vertical.mp4", "audio.m4a", "video-360.mp4", "hls/360p/index.m3u8", "slow/900000/vertical.mp4"];

test("no job is lost and none is done twice while everything is killed at random", async () => {
  process.stderr.write(`chaos: TRAWL_CHAOS_SEED=${SEED} for ${LENGTH_MS / 1000} s and ${JOBS} jobs\n`);
  const random = seeded(SEED);
  const origin = await startOrigin();
  atEnd(() => origin.close());
  const receiver = await Receiver.open();
  atEnd(() => receiver.close());
  const stack = await Stack.start({ slots: SLOTS });
  // One of the nodes reaches the edge by a line that can be cut.
  const cable = await layCable(stack.url);
  const extras = new Map<string, ExtraNode>();
  const start = async (name: string): Promise<void> => {
    const edge = name === EXTRA_NODES[0] ? { edge: cable.url } : {};
    extras.set(name, await startNode(stack, name, { slots: SLOTS, ...edge }));
  };
  for (const name of EXTRA_NODES) await start(name);
  const draw = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const pidOf = (name: string): number => extras.get(name)?.pid ?? -1;

  const faults: Record<string, () => Promise<void>> = {
    "kill own node": () => {
      const others = EXTRA_NODES.map(pidOf);
      return stack.kill(...stack.pids("node").filter((pid) => !others.includes(pid)));
    },
    "kill extra node": async () => {
      const name = draw(EXTRA_NODES);
      await stack.kill(pidOf(name));
      await start(name);
    },
    "kill workerd": async () => stack.kill(...stack.pids("workerd")),
    "kill host": async () => {
      await stack.kill(stack.hostPid);
      await stack.up();
    },
    "kill everything": async () => {
      await stack.kill(...processesOf(stack.root).map((each) => each.pid));
      await stack.up();
      for (const name of EXTRA_NODES) await start(name);
    },
    "freeze extra node": () => freeze([pidOf(draw(EXTRA_NODES))], LEASE_TTL_MS * (0.5 + 2 * random())),
    "freeze workerd": () => freeze(stack.pids("workerd"), LEASE_TTL_MS * random()),
    "cut the line": async () => {
      cable.cut();
      await delay(LEASE_TTL_MS * 2 * random());
      cable.mend();
    },
  };

  const over = performance.now() + LENGTH_MS;
  const histories: Histories = new Map();
  const goesOn = (): boolean => performance.now() < over || histories.size < JOBS;
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    client(stack, { source: origin.url, hook: receiver.url, index, goesOn, histories }),
  );
  let count = 0;
  while (goesOn()) {
    await delay(CALM_MS.min + random() * (CALM_MS.max - CALM_MS.min));
    const [name, fault] = draw(Object.entries(faults));
    process.stderr.write(`chaos: ${++count}. ${name}, ${histories.size} jobs\n`);
    await fault();
  }
  for (const { child } of extras.values()) expect(isRunning(child)).toBe(true);
  await Promise.all(clients);
  const jobs = await everyJob(stack);
  expect(jobs.map((job) => job.id).sort()).toEqual([...histories.keys()].sort());
  for (const job of jobs) await dueOutcome(stack, job, histories.get(job.id));
  for (const job of jobs) await toldOnce(receiver, job);
  await noStrays(stack);
  await downloadsAreClean(stack, jobs);
  const failed = jobs.filter((job) => job.status !== "Completed").length;
  process.stderr.write(`chaos: ${jobs.length} jobs, ${failed} lost three nodes, ${count} faults\n`);
  expect(jobs.length).toBeGreaterThanOrEqual(JOBS);
});

/** Sent until it was taken, perhaps more than once, and always under one id. The name of the hook is the file's. */
async function toldOnce(receiver: Receiver, job: Job): Promise<void> {
  const told = await receiver.until(String(job.filename), (all) => all.length > 0);
  expect(new Set(told.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(new Set(told.map(({ body }) => body.type))).toEqual(
    new Set([job.status === "Completed" ? "job_completed" : "job_failed"]),
  );
}

async function freeze(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) signal(pid, "SIGSTOP");
  await delay(ms);
  for (const pid of pids) signal(pid, "SIGCONT");
}

interface Wishes {
  source: string;
  hook: string;
  index: number;
  goesOn(): boolean;
  histories: Histories;
}

/** One client: the next job when the last is done, and what the edge then tells of it. */
async function client(stack: Stack, { source, hook, index, goesOn, histories }: Wishes): Promise<void> {
  for (let round = 0; goesOn(); round++) {
    const filename = `job-${index}-${round}`;
    const url = `${source}/${SOURCES[(index + round) % SOURCES.length]}`;
    const body = {
      url,
      folder: `client ${index}`,
      filename,
      webhook_url: `${hook}/fine/${filename}`,
    };
    const id = await createOnce(stack.api, body, filename);
    histories.set(id, []);
    await stack.api.finished(id).catch(() => null);
    histories.set(id, await persistently(() => stack.api.history(id)));
  }
}

/** All jobs of the account, those too whose create was never answered; each has ended. The totals must agree. */
async function everyJob(stack: Stack): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await stack.api.call<{ jobs: Job[]; next_cursor: string | null }>(
      "GET",
      `/jobs?limit=100${query}`,
    );
    jobs.push(...(await Promise.all(body.jobs.map((item) => stack.api.finished(item.id)))));
    cursor = body.next_cursor;
  }
  const totalOf = async (query: string): Promise<number> => {
    const { body } = await stack.api.call<{ filtered_total: number }>("GET", `/jobs?limit=1${query}`);
    return body.filtered_total;
  };
  expect(await totalOf("")).toBe(jobs.length);
  for (const status of ["Pending", "Processing", "Completed", "Failed"]) {
    const counted = jobs.filter((job) => job.status === status).length;
    expect([status, await totalOf(`&status=${status.toLowerCase()}`)]).toEqual([status, counted]);
  }
  return jobs;
}

/** Completed with a whole file; or failed because it really lost as many nodes as it may. Its events end once. */
async function dueOutcome(stack: Stack, job: Job, history: JobEvent[] | undefined): Promise<void> {
  // Behind the account's newest 1,000 events a stream can only begin with a snapshot (jobs API 7).
  if (history !== undefined && history[0]?.type !== "snapshot") endsOnce(history, job);
  if (job.status === "Completed") return hasItsFile(stack, job);
  expect(job).toMatchObject({ status: "Failed", error: "Worker node was lost while processing the job" });
  const lost = (await attemptsOf(stack, job.id)).filter((attempt) => attempt.outcome === "lost");
  expect(lost).toHaveLength(LOSSES);
}

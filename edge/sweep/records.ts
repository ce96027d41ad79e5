/** Records of finished work past `TRAWL_HISTORY_DAYS` (docs/decisions/028). */
import {
  deleteBatch,
  deleteJobs,
  type EndedJob,
  endedBatches,
  endedJobs,
  jobsOfBatch,
  type LookedBatch,
} from "../db/records.ts";
import { readWalk, restUntil, type Walk, writeWalk } from "../db/sweeps.ts";
import { type Env, envNumber } from "../env.ts";
import { errorText, type Log } from "../log.ts";
import { type Counted, DAY_MS } from "./step.ts";

/** Idempotency keys and outcomes name jobs for a day: a record stays as long, whatever the operator says. */
const MIN_DAYS = 1;
/** Rows looked at in one run, and jobs deleted in one transaction. */
const MAX_ROWS = 500;
/** A batch has up to a thousand jobs, each of which is looked at. */
const MAX_BATCHES = 20;
/** Between two rounds: records that stay for their files are read again in each. */
const REST_MS = 60 * 60_000;

/** One bounded run over batches, then over jobs. A batch that was begun goes whole. */
export async function sweepRecords(env: Env, log: Log, now: number): Promise<Counted> {
  const days = envNumber(env.TRAWL_HISTORY_DAYS, 0);
  if (days <= 0) return {};
  const before = now - Math.max(days, MIN_DAYS) * DAY_MS;
  const batches = await walk(env, "batches", now, MAX_BATCHES, (at, limit) => endedBatches(env.DB, before, at, limit));
  const gone: Counted = { batches: 0, jobs: 0 };
  for (const batch of batches) {
    const jobs = await forgetBatch(env, log, batch);
    if (jobs === null) continue;
    gone.batches = (gone.batches ?? 0) + 1;
    gone.jobs = (gone.jobs ?? 0) + jobs;
  }
  const jobs = await walk(env, "jobs", now, MAX_ROWS, (at, limit) => endedJobs(env.DB, before, at, limit));
  gone.jobs = (gone.jobs ?? 0) + (await forgetJobs(env, log, jobs));
  return gone;
}

/** The next page of a walk that is not resting, without the rows that something still needs. */
async function walk<Row extends { id: string; finished_at: number; needed: number }>(
  env: Env,
  name: string,
  now: number,
  limit: number,
  page: (at: Walk, limit: number) => Promise<Row[]>,
): Promise<Row[]> {
  const at = await readWalk(env.DB, name);
  if (at.rest_until > now) return [];
  const rows = await page(at, limit);
  const last = rows.length < limit ? undefined : rows.at(-1);
  const next =
    last === undefined ? restUntil(now + REST_MS) : { after_time: last.finished_at, after_id: last.id, rest_until: 0 };
  // What fails below is found again in the next round.
  await writeWalk(env.DB, name, next);
  return rows.filter((row) => row.needed === 0);
}

/** How many of its jobs are gone; null: it stays. Were this to break off, the jobs that are left are found one by one. */
async function forgetBatch(env: Env, log: Log, batch: LookedBatch): Promise<number | null> {
  if ((await free(env, log, batch.partition, [batch.id])).length === 0) return null;
  await deleteBatch(env.DB, batch.id);
  let gone = 0;
  for (;;) {
    const jobs = await jobsOfBatch(env.DB, batch, MAX_ROWS);
    const deleted = await forgetJobs(env, log, jobs);
    gone += deleted;
    if (deleted === 0 || jobs.length < MAX_ROWS) return gone;
  }
}

async function forgetJobs(env: Env, log: Log, jobs: readonly EndedJob[]): Promise<number> {
  const ids: string[] = [];
  for (const [partition, own] of Map.groupBy(jobs, (job) => job.partition)) {
    const all = own.map((job) => job.id);
    ids.push(...(await free(env, log, partition, all)));
  }
  return ids.length === 0 ? 0 : deleteJobs(env.DB, ids);
}

/** The ids of what lives in no partition any more; none, if the partition does not answer. */
async function free(env: Env, log: Log, partition: string | null, ids: string[]): Promise<string[]> {
  if (partition === null) return ids;
  try {
    const living = new Set(await env.PARTITION.getByName(partition).adminForgetRecords(ids));
    return ids.filter((id) => !living.has(id));
  } catch (error) {
    log("warn", "partition.call_failed", { partition, error: errorText(error) });
    return [];
  }
}

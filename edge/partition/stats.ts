/** Figures of one partition, read from counters and small indexes: no query here grows with the queue. */
import type { Limits } from "../../shared/contract/admin.ts";
import { leasesRunFrom } from "./absence.ts";
import type { Sql } from "./sql.ts";

/** Live jobs by what they wait for. `delayed` includes those that wait for their stream to begin. */
export interface LiveCounts {
  held: number;
  queued: number;
  offered: number;
  delayed: number;
  running: number;
  finishing: number;
  parent: number;
}

/** How jobs ended here since the partition's storage began; `class` is empty for completed ones. */
export interface EndCount {
  status: string;
  class: string;
  n: number;
}

export interface PartitionStats {
  live: LiveCounts;
  /** Milliseconds that the oldest ready job has waited; null when none is ready. */
  oldestQueuedMs: number | null;
  /** Sessions whose lease runs, drained ones too. */
  nodes: number;
  ends: EndCount[];
  bytesUploaded: number;
  wanted: WantedSlots;
}

/** Slots that would have every ready job running at once, as far as `max_concurrent` lets its account, by class. */
export interface WantedSlots {
  download: number;
  /** Recordings of live streams, which take these instead of `download`. */
  live: number;
}

export function readStats(sql: Sql, now: number): PartitionStats {
  return {
    live: liveCounts(sql),
    oldestQueuedMs: oldestQueuedMs(sql, now),
    nodes: count(sql, `sessions WHERE state <> 'lost' AND lease_until >= ${Math.floor(leasesRunFrom(sql, now))}`),
    ends: endCounts(sql),
    bytesUploaded: sql.get<{ n: number | null }>("SELECT sum(bytes_used) AS n FROM accounts")?.n ?? 0,
    wanted: wantedSlots(sql),
  };
}

function count(sql: Sql, from: string): number {
  return sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${from}`)?.n ?? 0;
}

/** Uses the partial indexes of due work; `held` and `parent` have none and are what the counters leave over. */
function liveCounts(sql: Sql): LiveCounts {
  const sums = sql.get<{ pending: number | null; processing: number | null; ready: number | null }>(
    "SELECT sum(pending) AS pending, sum(processing) AS processing, sum(ready) AS ready FROM accounts",
  );
  const queued = sums?.ready ?? 0;
  const offered = count(sql, "jobs WHERE state = 'offered'");
  const delayed = count(sql, "jobs WHERE state IN ('delayed', 'waiting')");
  const running = count(sql, "jobs WHERE state = 'running'");
  const finishing = count(sql, "jobs WHERE state = 'finishing'");
  return {
    held: Math.max(0, (sums?.pending ?? 0) - queued - offered - delayed),
    queued,
    offered,
    delayed,
    running,
    finishing,
    parent: Math.max(0, (sums?.processing ?? 0) - running - finishing),
  };
}

/**
 * Uses job_ready(account_id, lane, priority DESC, queued_at, id), from one lane of an account to the next and from one
 * priority in it to the next: some seeks for each of those that are there. A plain `min(queued_at)` would read the index
 * of the whole queue at each scrape.
 */
function oldestQueuedMs(sql: Sql, now: number): number | null {
  const row = sql.get<{ at: number | null }>(
    `WITH RECURSIVE
       lanes (account, lane) AS (
         SELECT id, '' FROM accounts WHERE ready > 0
         UNION ALL
         SELECT account, (SELECT j.lane FROM jobs j WHERE j.account_id = account AND j.state = 'queued'
           AND j.lane > lanes.lane ORDER BY j.lane LIMIT 1) AS next FROM lanes WHERE next IS NOT NULL),
       levels (account, lane, priority) AS (
         SELECT account, lane, (SELECT j.priority FROM jobs j WHERE j.account_id = account AND j.state = 'queued'
           AND j.lane = lanes.lane ORDER BY j.priority DESC LIMIT 1) FROM lanes
         UNION ALL
         SELECT account, lane, (SELECT j.priority FROM jobs j WHERE j.account_id = account AND j.state = 'queued'
           AND j.lane = levels.lane AND j.priority < levels.priority ORDER BY j.priority DESC LIMIT 1) AS next
         FROM levels WHERE next IS NOT NULL)
     SELECT min((SELECT j.queued_at FROM jobs j WHERE j.account_id = account AND j.state = 'queued' AND j.lane = levels.lane
       AND j.priority = levels.priority ORDER BY j.queued_at LIMIT 1)) AS at FROM levels`,
  );
  return row?.at === null || row?.at === undefined ? null : Math.max(0, now - row.at);
}

function endCounts(sql: Sql): EndCount[] {
  const completed = sql.get<{ n: number | null }>("SELECT sum(completed) AS n FROM accounts")?.n ?? 0;
  const others = sql.all<EndCount>("SELECT status, class, n FROM end_counts ORDER BY status, class");
  return [{ status: "completed", class: "", n: completed }, ...others];
}

/**
 * Within an account's cap the live ones come first: their share is not to be had later. A stream that nobody has looked at
 * yet counts as a download, which is what its look takes.
 */
function wantedSlots(sql: Sql): WantedSlots {
  const rows = sql.all<{ id: string; load: number; limits: string }>(
    "SELECT id, ready + active AS load, limits FROM accounts WHERE ready + active > 0",
  );
  const liveLoads = liveByAccount(sql);
  const wanted = { download: 0, live: 0 };
  for (const row of rows) {
    const { max_concurrent: most = row.load } = JSON.parse(row.limits) as Limits;
    const liveLoad = liveLoads.get(row.id) ?? 0;
    const live = Math.min(liveLoad, most);
    wanted.live += live;
    wanted.download += Math.min(row.load - liveLoad, most - live);
  }
  return wanted;
}

/**
 * Uses job_ready_live and job_held_by: live jobs are few, and what is held is at most the slots of the fleet. Left to itself
 * the planner takes job_ready, and reads the whole queue.
 */
function liveByAccount(sql: Sql): Map<string, number> {
  const rows = sql.all<{ account: string; n: number }>(
    `SELECT account_id AS account, count(*) AS n FROM (
       SELECT account_id FROM jobs INDEXED BY job_ready_live WHERE state = 'queued' AND live = 1
       UNION ALL SELECT account_id FROM jobs WHERE state IN ('offered', 'running') AND live = 1)
     GROUP BY account_id`,
  );
  return new Map(rows.map(({ account, n }) => [account, n]));
}

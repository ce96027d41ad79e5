/** Figures of one partition: nothing here grows with its jobs, accounts or nodes. */
import type { Core } from "./core.ts";
import type { Figures, LiveCounts } from "./figures.ts";
import type { Sql } from "./sql.ts";

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

/** Slots that would have every ready job running at once, as far as its account's `max_concurrent` or pause lets it, by class. */
export interface WantedSlots {
  download: number;
  /** Recordings of live streams, which take these instead of `download`. */
  live: number;
}

export function readStats({ sql, figures }: Pick<Core, "sql" | "figures">, now: number): PartitionStats {
  const { completed, bytesUploaded } = figures.ended;
  const others = sql.all<EndCount>("SELECT status, class, n FROM end_counts ORDER BY status, class");
  return {
    live: figures.live,
    oldestQueuedMs: oldestQueuedMs(sql, now),
    nodes: figures.nodes(now),
    ends: [{ status: "completed", class: "", n: completed }, ...others],
    bytesUploaded,
    wanted: wantedSlots(sql, figures),
  };
}

/** Uses job_ready_age(queued_at): the first entry. */
function oldestQueuedMs(sql: Sql, now: number): number | null {
  const row = sql.get<{ at: number | null }>("SELECT min(queued_at) AS at FROM jobs WHERE state = 'queued'");
  return row?.at == null ? null : Math.max(0, now - row.at);
}

/**
 * Within an account's cap the live ones come first: their share is not to be had later. A stream that nobody has looked at
 * yet counts as a download, which is what its look takes. Only accounts with live jobs are looked at: by job_ready_live and
 * job_held_live, and primary keys.
 */
function wantedSlots(sql: Sql, figures: Figures): WantedSlots {
  const lively = sql.all<{ load: number; most: number | null; live: number }>(
    `SELECT CASE a.paused WHEN 1 THEN a.active ELSE a.ready + a.active END AS load,
       CASE a.paused WHEN 1 THEN NULL ELSE a.max_concurrent END AS most,
       sum(CASE WHEN waits AND a.paused THEN 0 ELSE n END) AS live FROM (
       SELECT account_id, count(*) AS n, 1 AS waits FROM jobs INDEXED BY job_ready_live
         WHERE state = 'queued' AND live = 1 GROUP BY account_id
       UNION ALL SELECT account_id, count(*), 0 FROM jobs INDEXED BY job_held_live
         WHERE state IN ('offered', 'running') AND live = 1 GROUP BY account_id) j
     JOIN accounts a ON a.id = j.account_id GROUP BY a.id`,
  );
  const wanted = { download: figures.wanted, live: 0 };
  for (const { load, most, live: liveLoad } of lively) {
    const cap = most ?? load;
    const live = Math.min(liveLoad, cap);
    wanted.live += live;
    wanted.download += Math.min(load - liveLoad, cap - live) - Math.min(load, cap);
  }
  return wanted;
}

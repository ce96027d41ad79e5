/**
 * Politeness (DESIGN section 4): how many downloads from one source host a node runs at once. A recording is not one of
 * them: it reads at the pace at which its stream is made, and would keep the downloads of its host waiting for hours.
 */
import type { LiveJob } from "./job-row.ts";
import type { Turn } from "./turn.ts";

export class HostLoad {
  readonly #most: number;
  readonly #running: Map<string, number>;

  /** What the node holds now, offers included. Uses job_held_by(node_id). */
  constructor(turn: Turn, node: string) {
    const rows = turn.sql.all<{ source_host: string; n: number }>(
      `SELECT source_host, count(*) AS n FROM jobs
       WHERE node_id = ? AND state IN ('offered', 'running') AND live = 0 GROUP BY source_host`,
      node,
    );
    this.#most = turn.config.maxPerHost === 0 ? Number.POSITIVE_INFINITY : turn.config.maxPerHost;
    this.#running = new Map(rows.map((row) => [row.source_host, row.n]));
  }

  hasRoom(job: Pick<LiveJob, "live" | "source_host">): boolean {
    return job.live === 1 || (this.#running.get(job.source_host) ?? 0) < this.#most;
  }

  add(job: Pick<LiveJob, "live" | "source_host">): void {
    if (job.live === 0) this.#running.set(job.source_host, (this.#running.get(job.source_host) ?? 0) + 1);
  }
}

/** Which job of an account a node gets next: priority and age, tags, cool-downs, politeness, and who failed it before. */
import type { Slots } from "../../shared/contract/fleet.ts";
import { couldRun, mayHave } from "./avoid.ts";
import type { HostLoad } from "./host-load.ts";
import { type LiveJob, parseAvoid } from "./job-row.ts";
import type { OwnNodes } from "./own-nodes.ts";
import type { NodeIdentity, SessionRow } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** Ready jobs of one account that a lease looks at before it turns to the next account. */
const LEASE_CANDIDATES = 64;
/** Hosts looked at when those of the first jobs are not to be had … */
const OTHER_HOSTS = 256;
/** … and jobs of each. */
const CANDIDATES_A_HOST = 8;

/** Who asks for work, and what the whole lease has in common. */
export interface Asker {
  who: NodeIdentity;
  d1Cursor: number;
  /** The other sessions online. */
  others: readonly SessionRow[];
  load: HostLoad;
  own: OwnNodes;
}

/** Order inside an account. */
const IN_ORDER = "ORDER BY priority DESC, queued_at, id";

/** The first job of the account, in its order, that this node may have now. */
export function pickJob(turn: Turn, asker: Asker, account: string, left: Slots): LiveJob | undefined {
  const shut = new Set<string>();
  const fits = (job: LiveJob): boolean => {
    if (hostIsOpen(turn, asker, job)) return mayRun(asker, job) && !asker.own.shouldHave(job);
    shut.add(job.source_host);
    return false;
  };
  const first = firstJobs(turn, asker, account, left);
  const found = first.find(fits);
  if (found !== undefined || shut.size === 0 || first.length < LEASE_CANDIDATES) return found;
  return jobsOfOtherHosts(turn, asker, account, left, [...shut]).find(fits);
}

/** Which jobs fit into what is left; with both classes the query stays the plain one. */
function classFilter(left: Slots): string {
  if (left.download > 0 && left.live > 0) return "";
  return left.live > 0 ? "AND live = 1" : "AND live = 0";
}

/** Tags are asked for in the query, and the limits of keys: jobs that wait for those must not hide those that need not. */
const READY = `state = 'queued' AND create_event <= ?2
  AND (tags = '[]' OR NOT EXISTS (SELECT 1 FROM json_each(tags) WHERE value NOT IN (SELECT value FROM json_each(?3))))
  AND NOT EXISTS (SELECT 1 FROM keys WHERE keys.id = jobs.key_id AND active >= max_concurrent)`;

/**
 * Uses job_ready(account_id, priority DESC, queued_at, id) WHERE state = 'queued', or job_ready_live where only a live slot
 * is left. Without a live slot the live jobs ahead of the first other one are read in vain: an account has at most
 * `max_queued` of them, and seldom more than a few.
 */
function firstJobs(turn: Turn, { who, d1Cursor }: Asker, account: string, left: Slots): LiveJob[] {
  return turn.sql.all<LiveJob>(
    `SELECT * FROM jobs WHERE account_id = ?1 AND ${READY} ${classFilter(left)} ${IN_ORDER} LIMIT ${LEASE_CANDIDATES}`,
    account,
    d1Cursor,
    JSON.stringify(who.tags),
  );
}

/**
 * Behind any number of jobs whose host is shut, the first ones of the others: from host to host by
 * job_ready_host(account_id, source_host, priority DESC, queued_at, id), one seek each. To read on in the account's order
 * instead would read its whole queue at each lease (seen behind 100,000 jobs of one host: 376 ms against 1.2 ms).
 */
function jobsOfOtherHosts(
  turn: Turn,
  { who, d1Cursor }: Asker,
  account: string,
  left: Slots,
  shut: readonly string[],
): LiveJob[] {
  const hosts = turn.sql.all<{ host: string }>(
    `WITH RECURSIVE hosts (host) AS (
       SELECT min(source_host) FROM jobs WHERE account_id = ?1 AND state = 'queued'
       UNION ALL
       SELECT (SELECT min(source_host) FROM jobs WHERE account_id = ?1 AND state = 'queued' AND source_host > host)
       FROM hosts WHERE host IS NOT NULL LIMIT ${OTHER_HOSTS})
     SELECT host FROM hosts WHERE host IS NOT NULL AND host NOT IN (SELECT value FROM json_each(?2))`,
    account,
    JSON.stringify(shut),
  );
  const found = hosts.flatMap(({ host }) =>
    turn.sql.all<LiveJob>(
      `SELECT * FROM jobs WHERE account_id = ?1 AND source_host = ?4 AND ${READY} ${classFilter(left)}
       ${IN_ORDER} LIMIT ${CANDIDATES_A_HOST}`,
      account,
      d1Cursor,
      JSON.stringify(who.tags),
      host,
    ),
  );
  return found.toSorted((a, b) => b.priority - a.priority || a.queued_at - b.queued_at || (a.id < b.id ? -1 : 1));
}

/** Whether the node may turn to the job's host now: it runs not too many of its jobs, and does not rest from it. */
function hostIsOpen(turn: Turn, { who, others, load }: Asker, job: LiveJob): boolean {
  if (!load.hasRoom(job)) return false;
  // A rest keeps nobody back who is alone.
  return !isCooling(turn, who.node, job.source_host) || ableOf(others, job).length === 0;
}

/** Whether this node, which has the job's tags, is not one that failed it while others could have it. */
function mayRun({ who, others }: Asker, job: LiveJob): boolean {
  const avoid = parseAvoid(job);
  if (avoid === null) return true;
  const candidates = ableOf(others, job).map((one) => ({
    node: one.node_id,
    session: one.session,
    country: one.country,
  }));
  return mayHave(avoid, who, candidates);
}

function ableOf(others: readonly SessionRow[], job: LiveJob): SessionRow[] {
  const required = JSON.parse(job.tags) as string[];
  return others.filter((other) => couldRun(other, job, required));
}

function isCooling(turn: Turn, node: string, host: string): boolean {
  return (
    turn.sql.get("SELECT 1 AS x FROM cool_downs WHERE node_id = ? AND host = ? AND until > ?", node, host, turn.now) !==
    undefined
  );
}

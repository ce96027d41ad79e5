/** Which job of an account a node gets next: priority and age over its lanes, cool-downs, politeness, and who failed it before. */
import type { Slots } from "../../shared/contract/fleet.ts";
import { ableOf, mayHave } from "./avoid.ts";
import type { HostLoad } from "./host-load.ts";
import { type LiveJob, parseAvoid } from "./job-row.ts";
import { lanesFor } from "./lanes.ts";
import { MOVABLE_COLUMNS } from "./move.ts";
import type { OwnNodes } from "./own-nodes.ts";
import type { NodeIdentity, SessionRow } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** Ready jobs of one lane that a lease looks at before it turns to the next. */
const LEASE_CANDIDATES = 64;
/**
 * Jobs at the head of a lane among which it looks for those that D1 has. More than that stand there only while D1 does not
 * answer for long, and then nothing can be created or ended either.
 */
const LEASE_SCAN = 1_000;
/** Accounts with no more hosts than this, all of them shut, are known to have nothing by a few seeks. */
const FEW_HOSTS = 8;
/** Hosts looked at when those of the first jobs are not to be had … */
const OTHER_HOSTS = 256;
/** … and jobs of each. */
const CANDIDATES_A_HOST = 8;

/** Who asks for work, and what the whole lease has in common. */
export interface Asker {
  who: NodeIdentity;
  d1Cursor: number;
  /** The other sessions online: few jobs need them looked at, and then one look does for the whole lease. */
  others(): readonly SessionRow[];
  /** Shared nodes may have none of it: of an own node's account, the only one that such a node is asked to serve. */
  closed(): boolean;
  load: HostLoad;
  own: OwnNodes;
}

/** What a lease reads of a ready job. All 67 columns took twice as long as everything else of a hand-out together. */
const READY_COLUMNS = [
  ...MOVABLE_COLUMNS,
  "url",
  "options",
  "tags",
  "priority",
  "queued_at",
  "source_host",
  "avoid",
  "attempt",
  "offer_until",
  "live",
  "create_event",
] as const satisfies readonly (keyof LiveJob)[];

export type ReadyJob = Pick<LiveJob, (typeof READY_COLUMNS)[number]>;

/** The first of the account's jobs that this node may have: by priority, then age, over all the lanes that it may serve. */
export function pickJob(turn: Turn, asker: Asker, account: string, left: Slots): ReadyJob | undefined {
  const heads = lanesFor(turn, asker.who, account, left)
    .map((lane) => headOf(turn, asker, account, lane))
    .filter((job) => job !== undefined);
  return heads.length < 2 ? heads[0] : heads.toSorted(inOrder)[0];
}

function inOrder(a: ReadyJob, b: ReadyJob): number {
  return b.priority - a.priority || a.queued_at - b.queued_at || (a.id < b.id ? -1 : 1);
}

/** Nearly always the very first one will do; only else are more read. */
function headOf(turn: Turn, asker: Asker, account: string, lane: string): ReadyJob | undefined {
  const { d1Cursor } = asker;
  const shut = new Set<string>();
  const fits = (job: ReadyJob): boolean => {
    if (hostIsOpen(turn, asker, job)) return mayRun(asker, job) && !asker.own.shouldHave(job);
    shut.add(job.source_host);
    return false;
  };
  const first = turn.sql.get<ReadyJob>(HEAD, account, lane);
  if (first === undefined) return undefined;
  if (first.create_event <= d1Cursor && fits(first)) return first;
  if (shut.size > 0 && allHostsShut(turn, asker, account, first)) return undefined;
  const more = turn.sql.all<ReadyJob>(CANDIDATES, account, lane, d1Cursor);
  const found = more.find(fits);
  if (found !== undefined || shut.size === 0 || more.length < LEASE_CANDIDATES) return found;
  return jobsOfOtherHosts(turn, asker, account, lane, [...shut]).find(fits);
}

const COLUMNS = READY_COLUMNS.join(", ");
/** Order inside a lane. */
const IN_ORDER = "ORDER BY priority DESC, queued_at, id";
// Both use job_ready(account_id, lane, priority DESC, queued_at, id) WHERE state = 'queued'.
const IN_LANE = `FROM jobs WHERE account_id = ? AND state = 'queued' AND lane = ? ${IN_ORDER}`;
const HEAD = `SELECT ${COLUMNS} ${IN_LANE} LIMIT 1`;
const CANDIDATES = `SELECT ${COLUMNS} FROM jobs WHERE id IN (
    SELECT id FROM (SELECT id, create_event ${IN_LANE} LIMIT ${LEASE_SCAN}) WHERE create_event <= ? LIMIT ${LEASE_CANDIDATES})
  ${IN_ORDER}`;

/**
 * Behind any number of jobs whose host is shut, the first ones of the others: from host to host by
 * job_ready_host(account_id, source_host, lane, priority DESC, queued_at, id), one seek each. To read on in the lane's order
 * instead would read the whole queue at each lease (seen behind 100,000 jobs of one host: 376 ms against 1.2 ms).
 */
function jobsOfOtherHosts(
  turn: Turn,
  { d1Cursor }: Asker,
  account: string,
  lane: string,
  shut: readonly string[],
): ReadyJob[] {
  const hosts = hostsOf(turn, account, OTHER_HOSTS).filter((host) => !shut.includes(host));
  const found = hosts.flatMap((host) =>
    turn.sql.all<ReadyJob>(
      `SELECT ${COLUMNS} FROM jobs WHERE account_id = ? AND source_host = ? AND state = 'queued' AND lane = ?
         AND create_event <= ? ${IN_ORDER} LIMIT ${CANDIDATES_A_HOST}`,
      account,
      host,
      lane,
      d1Cursor,
    ),
  );
  return found.toSorted(inOrder);
}

/** Hosts of the account's ready jobs, whatever their lane. Uses job_ready_host(account_id, source_host, …): one seek each. */
function hostsOf(turn: Turn, account: string, most: number): string[] {
  return turn.sql
    .all<{ host: string | null }>(
      `WITH RECURSIVE hosts (host) AS (
         SELECT min(source_host) FROM jobs WHERE account_id = ?1 AND state = 'queued'
         UNION ALL
         SELECT (SELECT min(source_host) FROM jobs WHERE account_id = ?1 AND state = 'queued' AND source_host > host)
         FROM hosts WHERE host IS NOT NULL LIMIT ?2)
       SELECT host FROM hosts WHERE host IS NOT NULL`,
      account,
      most,
    )
    .flatMap(({ host }) => (host === null ? [] : [host]));
}

/** Every job of a lane is like this one, but for its host. Everyone's work may be of one site, and this node be polite to it. */
function allHostsShut(turn: Turn, asker: Asker, account: string, like: ReadyJob): boolean {
  const hosts = hostsOf(turn, account, FEW_HOSTS + 1);
  return hosts.length <= FEW_HOSTS && hosts.every((host) => !hostIsOpen(turn, asker, { ...like, source_host: host }));
}

/** Whether the node may turn to the job's host now: it runs not too many of its jobs, and does not rest from it. */
function hostIsOpen(turn: Turn, { who, others, closed, load }: Asker, job: ReadyJob): boolean {
  if (!load.hasRoom(job)) return false;
  // A rest keeps nobody back who is alone.
  return !isCooling(turn, who.node, job.source_host) || ableOf(others(), job, closed()).length === 0;
}

/** Whether this node, which has the job's tags, is not one that failed it while others could have it. */
function mayRun({ who, others, closed }: Asker, job: ReadyJob): boolean {
  const avoid = parseAvoid(job);
  if (avoid === null) return true;
  const candidates = ableOf(others(), job, closed()).map((one) => ({
    node: one.node_id,
    session: one.session,
    country: one.country,
  }));
  return mayHave(avoid, who, candidates);
}

function isCooling(turn: Turn, node: string, host: string): boolean {
  return (
    turn.sql.get("SELECT 1 AS x FROM cool_downs WHERE node_id = ? AND host = ? AND until > ?", node, host, turn.now) !==
    undefined
  );
}

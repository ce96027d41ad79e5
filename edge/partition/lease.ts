/** Dispatch: which jobs a node gets (DESIGN sections 3.4 and 4). */
import type { LeasedJob, SlotClass, Slots } from "../../shared/contract/fleet.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { LEASE_REPEAT_MS, LIVE_DEADLINE_EXTRA_MS, MAX_LEASE_JOBS } from "../../shared/limits.ts";
import { liveCapSeconds } from "../../shared/live-cap.ts";
import { leasesRunFrom, ONLINE } from "./absence.ts";
import { AccountWalk } from "./account-walk.ts";
import { isClosed } from "./avoid.ts";
import { HostLoad } from "./host-load.ts";
import type { LiveJob } from "./job-row.ts";
import { moveJob } from "./move.ts";
import { OwnNodes } from "./own-nodes.ts";
import { type Asker, pickJob, type ReadyJob } from "./pick.ts";
import type { NodeIdentity, SessionRow } from "./sessions.ts";
import { type Turn, tokenOf } from "./turn.ts";

/** Lease requests of long ago that a lease forgets: more than the one that it adds. */
const FORGOTTEN_REQUESTS = 8;

export interface AccountLimits {
  max_concurrent?: number;
  max_duration_seconds?: number;
  max_filesize_bytes?: number;
  attempt_deadline_seconds?: number;
  storage_limit_bytes?: number;
}

/**
 * Hands out up to `slots` jobs of each class, round robin over the accounts with ready work: always the one served longest ago.
 * Past accounts that have nothing for this node it goes a bounded way, and the node is asked to come again for the rest.
 * Each hand-out raises the job's attempt. A repeat of a request id gets the same jobs, as far as they are still its.
 */
export function leaseJobs(
  turn: Turn,
  who: NodeIdentity,
  requestId: string,
  slots: Slots,
  d1Cursor: number,
): LeasedJob[] {
  const repeated = turn.sql.get<{ jobs: string }>(
    "SELECT jobs FROM lease_requests WHERE request_id = ? AND node_id = ?",
    requestId,
    who.node,
  );
  if (repeated !== undefined) return repeatLease(turn, who, JSON.parse(repeated.jobs) as string[]);
  const asker: Asker = {
    who,
    d1Cursor,
    others: lazily(() => otherSessions(turn, who.node)),
    // A shared node does not come to accounts that are closed to it.
    closed: lazily(() => who.account !== null && isClosed(turn, who.account)),
    load: new HostLoad(turn, who.node),
    own: new OwnNodes(turn, who),
  };
  const leased: ReadyJob[] = [];
  const left: Slots = { ...slots };
  const walk = new AccountWalk(turn, who, left);
  for (const account of walk.accounts()) {
    const job = pickJob(turn, asker, account, left);
    if (job === undefined) continue;
    walk.served();
    left[slotOf(job)]--;
    asker.load.add(job);
    leased.push(offer(turn, who, job));
    // Behind all others, this lease's own included: ids rise for ever, and cost no row to read.
    turn.sql.run("UPDATE accounts SET turn = ? WHERE id = ?", turn.ids.next(turn.now), account);
    if (leased.length >= MAX_LEASE_JOBS || left.download + left.live === 0) break;
  }
  if (walk.end() === "unfinished") turn.effects.again.push(who.node);
  turn.sql.run(
    "INSERT INTO lease_requests (request_id, node_id, jobs, made_at) VALUES (?, ?, ?, ?)",
    requestId,
    who.node,
    JSON.stringify(leased.map((job) => job.id)),
    turn.now,
  );
  // Uses lease_request_age(made_at).
  turn.sql.run(
    `DELETE FROM lease_requests WHERE (node_id, request_id) IN
       (SELECT node_id, request_id FROM lease_requests WHERE made_at < ? LIMIT ${FORGOTTEN_REQUESTS})`,
    turn.now - LEASE_REPEAT_MS,
  );
  return leased.map((job) => toLeased(turn, job));
}

function repeatLease(turn: Turn, who: NodeIdentity, ids: string[]): LeasedJob[] {
  return ids
    .map((id) => turn.sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", id))
    .filter((job) => job !== undefined)
    .filter((job) => job.state === "offered" && job.node_id === who.node && job.session === who.session)
    .map((job) => toLeased(turn, job));
}

function slotOf(job: Pick<LiveJob, "live">): SlotClass {
  return job.live === 1 ? "live" : "download";
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function otherSessions(turn: Turn, node: string): SessionRow[] {
  return turn.sql.all<SessionRow>(
    `SELECT * FROM sessions WHERE ${ONLINE} AND node_id <> ? LIMIT 64`,
    leasesRunFrom(turn),
    node,
  );
}

function offer(turn: Turn, who: NodeIdentity, job: ReadyJob): ReadyJob {
  return moveJob(turn, job, "offered", {
    attempt: job.attempt + 1,
    node_id: who.node,
    session: who.session,
    offer_until: turn.now + turn.config.offerTtlMs,
    missed: 0,
  });
}

function toLeased(turn: Turn, job: ReadyJob): LeasedJob {
  const options = JSON.parse(job.options) as JobOptions;
  const limits: AccountLimits = { ...accountLimits(turn, job.account_id), ...options.limits };
  return {
    job: job.id,
    token: tokenOf(turn, job.attempt),
    url: options.media_url ?? job.url,
    options,
    max_filesize_bytes: limits.max_filesize_bytes ?? null,
    max_duration_seconds: limits.max_duration_seconds ?? null,
    deadline_ms: deadlineUnder(turn, limits, options, job.live === 1),
    confirm_within_ms: Math.max(0, (job.offer_until ?? turn.now) - turn.now),
    traceparent: job.traceparent,
    slot: slotOf(job),
  };
}

function accountLimits(turn: Turn, account: string): AccountLimits {
  const row = turn.sql.get<{ limits: string }>("SELECT limits FROM accounts WHERE id = ?", account);
  return row === undefined ? {} : (JSON.parse(row.limits) as AccountLimits);
}

/** What binds this job: its key's limits before its account's. */
export function limitsOf(turn: Turn, job: LiveJob): AccountLimits {
  return { ...accountLimits(turn, job.account_id), ...(JSON.parse(job.options) as JobOptions).limits };
}

/** How long one attempt of this job may run: a recording as long as it may be, and a while beside (jobs API 12). */
export function deadlineMs(turn: Turn, job: LiveJob, live: boolean): number {
  return deadlineUnder(turn, limitsOf(turn, job), JSON.parse(job.options) as JobOptions, live);
}

function deadlineUnder(turn: Turn, limits: AccountLimits, options: JobOptions, live: boolean): number {
  const { attempt_deadline_seconds: seconds, max_duration_seconds: limit } = limits;
  if (seconds !== undefined) return seconds * 1000;
  if (!live) return turn.config.deadlineMs;
  return liveCapSeconds(options, limit ?? null) * 1000 + LIVE_DEADLINE_EXTRA_MS;
}

/** Dispatch: which jobs a node gets (DESIGN sections 3.4 and 4). */
import type { LeasedJob, SlotClass, Slots } from "../../shared/contract/fleet.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { LEASE_REPEAT_MS, LIVE_DEADLINE_EXTRA_MS, MAX_LEASE_JOBS } from "../../shared/limits.ts";
import { liveCapSeconds } from "../../shared/live-cap.ts";
import { leasesRunFrom } from "./absence.ts";
import { HostLoad } from "./host-load.ts";
import type { LiveJob } from "./job-row.ts";
import { moveJob } from "./move.ts";
import { OwnNodes } from "./own-nodes.ts";
import { type Asker, pickJob, type ReadyJob } from "./pick.ts";
import type { NodeIdentity, SessionRow } from "./sessions.ts";
import { type Turn, tokenOf } from "./turn.ts";

/** Accounts looked at in one go while the next one to be served is searched. */
const ACCOUNTS_PAGE = 16;

export interface AccountLimits {
  max_concurrent?: number;
  max_duration_seconds?: number;
  max_filesize_bytes?: number;
  attempt_deadline_seconds?: number;
  storage_limit_bytes?: number;
}

/**
 * Hands out up to `slots` jobs of each class, round robin over the accounts with ready work: always the one served longest ago.
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
    load: new HostLoad(turn, who.node),
    own: new OwnNodes(turn, who),
  };
  const leased: ReadyJob[] = [];
  const left: Slots = { ...slots };
  for (const account of accountsInTurn(turn, who)) {
    if (leased.length >= MAX_LEASE_JOBS || left.download + left.live === 0) break;
    const job = pickJob(turn, asker, account.id, left);
    if (job === undefined) continue;
    left[slotOf(job)]--;
    asker.load.add(job);
    leased.push(offer(turn, who, job));
    // Behind all others, this lease's own included: ids rise for ever, and cost no row to read.
    turn.sql.run("UPDATE accounts SET turn = ? WHERE id = ?", turn.ids.next(turn.now), account.id);
  }
  turn.sql.run(
    "INSERT INTO lease_requests (request_id, node_id, jobs, made_at) VALUES (?, ?, ?, ?)",
    requestId,
    who.node,
    JSON.stringify(leased.map((job) => job.id)),
    turn.now,
  );
  turn.sql.run("DELETE FROM lease_requests WHERE made_at < ?", turn.now - LEASE_REPEAT_MS);
  return leased.map((job) => toLeased(turn, job));
}

function repeatLease(turn: Turn, who: NodeIdentity, ids: string[]): LeasedJob[] {
  return ids
    .map((id) => turn.sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", id))
    .filter((job) => job !== undefined)
    .filter((job) => job.state === "offered" && job.node_id === who.node && job.session === who.session)
    .map((job) => toLeased(turn, job));
}

/** Where a lease stands in the order of turns. Accounts that it has served stand behind it again. */
interface Place {
  turn: number;
  id: string;
}

const FIRST_PLACE: Place = { turn: -1, id: "" };

interface ReadyAccount extends Place {
  limits: string;
}

/**
 * Accounts that may be served, in turn, each time the one served longest ago: those that this lease has served stand at the
 * end again. Uses account_turn(turn, id) WHERE ready > 0: a lease walks past those that may not be served, of which there
 * are as many as accounts at most, and never walks back.
 */
function* accountsInTurn(turn: Turn, who: NodeIdentity): Generator<ReadyAccount> {
  for (let place = FIRST_PLACE; ; ) {
    const rows = turn.sql.all<ReadyAccount & { active: number; pool: string }>(
      `SELECT id, turn, limits, active, pool FROM accounts WHERE ready > 0 AND (turn, id) > (?, ?)
       ${who.account === null ? "" : "AND id = ?"} ORDER BY turn, id LIMIT ${ACCOUNTS_PAGE}`,
      place.turn,
      place.id,
      ...(who.account === null ? [] : [who.account]),
    );
    for (const row of rows) {
      place = row;
      const limits = JSON.parse(row.limits) as AccountLimits;
      const full = limits.max_concurrent !== undefined && row.active >= limits.max_concurrent;
      // Nodes of the account alone: a shared node is not welcome.
      const closed = row.pool === "own" && who.account !== row.id;
      if (!full && !closed) yield row;
    }
    if (rows.length === 0) return;
  }
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
    "SELECT * FROM sessions WHERE node_id <> ? AND lease_until >= ? AND state = 'running' LIMIT 64",
    node,
    leasesRunFrom(turn.sql, turn.now),
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

/** Dispatch: which jobs a node gets (DESIGN sections 3.4 and 4). */
import type { LeasedJob, SlotClass, Slots } from "../../shared/contract/fleet.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { LEASE_REPEAT_MS, LIVE_DEADLINE_EXTRA_MS, MAX_LEASE_JOBS } from "../../shared/limits.ts";
import { liveCapSeconds } from "../../shared/live-cap.ts";
import { HostLoad } from "./host-load.ts";
import type { LiveJob } from "./job-row.ts";
import { moveJob } from "./move.ts";
import { OwnNodes } from "./own-nodes.ts";
import { pickJob } from "./pick.ts";
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
  const asker = {
    who,
    d1Cursor,
    others: otherSessions(turn, who.node),
    load: new HostLoad(turn, who.node),
    own: new OwnNodes(turn, who),
  };
  const skipped = new Set<string>();
  const leased: LiveJob[] = [];
  const left: Slots = { ...slots };
  while (leased.length < MAX_LEASE_JOBS && left.download + left.live > 0) {
    const account = nextAccount(turn, who, skipped);
    if (account === undefined) break;
    const job = pickJob(turn, asker, account.id, left);
    if (job === undefined) {
      skipped.add(account.id);
      continue;
    }
    left[slotOf(job)]--;
    asker.load.add(job);
    leased.push(offer(turn, who, job));
    turn.sql.run("UPDATE accounts SET turn = (SELECT max(turn) + 1 FROM accounts) WHERE id = ?", account.id);
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

interface ReadyAccount {
  id: string;
  limits: string;
}

/** The account whose turn it is; those that cannot be served are added to `skipped`. Uses account_turn(turn) WHERE ready > 0. */
function nextAccount(turn: Turn, who: NodeIdentity, skipped: Set<string>): ReadyAccount | undefined {
  for (;;) {
    const rows = turn.sql.all<ReadyAccount & { active: number; pool: string }>(
      `SELECT id, limits, active, pool FROM accounts WHERE ready > 0 AND (?1 IS NULL OR id = ?1)
         AND id NOT IN (SELECT value FROM json_each(?2)) ORDER BY turn LIMIT ${ACCOUNTS_PAGE}`,
      who.account,
      JSON.stringify([...skipped]),
    );
    for (const row of rows) {
      const limits = JSON.parse(row.limits) as AccountLimits;
      const full = limits.max_concurrent !== undefined && row.active >= limits.max_concurrent;
      // Nodes of the account alone: a shared node is not welcome.
      const closed = row.pool === "own" && who.account !== row.id;
      if (!full && !closed) return row;
      skipped.add(row.id);
    }
    if (rows.length < ACCOUNTS_PAGE) return undefined;
  }
}

function slotOf(job: LiveJob): SlotClass {
  return job.live === 1 ? "live" : "download";
}

function otherSessions(turn: Turn, node: string): SessionRow[] {
  return turn.sql.all<SessionRow>(
    "SELECT * FROM sessions WHERE node_id <> ? AND lease_until > ? AND state = 'running' LIMIT 64",
    node,
    turn.now,
  );
}

function offer(turn: Turn, who: NodeIdentity, job: LiveJob): LiveJob {
  return moveJob(turn, job, "offered", {
    attempt: job.attempt + 1,
    node_id: who.node,
    session: who.session,
    offer_until: turn.now + turn.config.offerTtlMs,
    missed: 0,
  });
}

function toLeased(turn: Turn, job: LiveJob): LeasedJob {
  const limits = limitsOf(turn, job);
  const options = JSON.parse(job.options) as JobOptions;
  return {
    job: job.id,
    token: tokenOf(turn, job.attempt),
    url: options.media_url ?? job.url,
    options,
    max_filesize_bytes: limits.max_filesize_bytes ?? null,
    max_duration_seconds: limits.max_duration_seconds ?? null,
    deadline_ms: deadlineMs(turn, job, job.live === 1),
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
  const { attempt_deadline_seconds: seconds, max_duration_seconds: limit } = limitsOf(turn, job);
  if (seconds !== undefined) return seconds * 1000;
  if (!live) return turn.config.deadlineMs;
  return liveCapSeconds(JSON.parse(job.options) as JobOptions, limit ?? null) * 1000 + LIVE_DEADLINE_EXTRA_MS;
}

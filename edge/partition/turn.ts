/**
 * One call of the core: its state (SQLite), the time, the dice, and what must follow once the transaction is in.
 * The core never reads a clock, never draws by itself, never waits.
 */
import {
  ATTEMPT_DEADLINE_MS,
  BACKOFF_BASE_MS,
  BACKOFF_MAX_MS,
  HEARTBEAT_SHARE,
  LEASE_TTL_MS,
  MAX_PARTITION_READY,
  MAX_PENDING_PER_ACCOUNT,
  MAX_PER_HOST,
  OFFER_TTL_SHARE,
  POLL_SHARE,
  PROGRESS_UNWATCHED_MS,
  PROGRESS_WATCHED_MS,
  WAIT_PATIENT_AFTER_MS,
  WAIT_RECHECK_MAX_MS,
  WAIT_RECHECK_MS,
} from "../../shared/limits.ts";
import type { Absence } from "./absence.ts";
import type { EventIds } from "./event-ids.ts";
import type { Figures } from "./figures.ts";
import type { Sql } from "./sql.ts";

export interface CoreOptions {
  leaseTtlMs?: number | undefined;
  deadlineMs?: number | undefined;
  maxPending?: number | undefined;
  maxReady?: number | undefined;
  /** Downloads from one source host that a node runs at once; 0: any number. Defaults to {@link MAX_PER_HOST}. */
  maxPerHost?: number | undefined;
}

/** Intervals follow the lease TTL, so that a test (or an impatient operator) sets one number. */
export interface ResolvedCore {
  leaseTtlMs: number;
  offerTtlMs: number;
  heartbeatMs: number;
  pollMs: number;
  progressWatchedMs: number;
  progressUnwatchedMs: number;
  deadlineMs: number;
  waitRecheckMs: number;
  waitRecheckMaxMs: number;
  waitPatientAfterMs: number;
  backoffBaseMs: number;
  backoffMaxMs: number;
  maxPending: number;
  maxReady: number;
  maxPerHost: number;
}

export function resolveCore(options: CoreOptions): ResolvedCore {
  const leaseTtlMs = options.leaseTtlMs ?? LEASE_TTL_MS;
  const scale = leaseTtlMs / LEASE_TTL_MS;
  return {
    leaseTtlMs,
    offerTtlMs: leaseTtlMs * OFFER_TTL_SHARE,
    heartbeatMs: leaseTtlMs * HEARTBEAT_SHARE,
    pollMs: leaseTtlMs * POLL_SHARE,
    progressWatchedMs: Math.min(PROGRESS_WATCHED_MS, PROGRESS_WATCHED_MS * scale * 2),
    progressUnwatchedMs: Math.min(PROGRESS_UNWATCHED_MS, PROGRESS_UNWATCHED_MS * scale),
    deadlineMs: options.deadlineMs ?? ATTEMPT_DEADLINE_MS,
    waitRecheckMs: WAIT_RECHECK_MS * scale,
    waitRecheckMaxMs: WAIT_RECHECK_MAX_MS * scale,
    waitPatientAfterMs: WAIT_PATIENT_AFTER_MS * scale,
    backoffBaseMs: BACKOFF_BASE_MS * scale,
    backoffMaxMs: BACKOFF_MAX_MS * scale,
    maxPending: options.maxPending ?? MAX_PENDING_PER_ACCOUNT,
    maxReady: options.maxReady ?? MAX_PARTITION_READY,
    maxPerHost: options.maxPerHost ?? MAX_PER_HOST,
  };
}

export interface Kill {
  node: string;
  job: string;
  token: string;
}

/** An attempt that began or ended, for the log. */
export interface AttemptChange {
  job: string;
  token: string;
  node: string | null;
  /** Null: it began. */
  outcome: string | null;
  /** What the job is now. */
  state: string;
  traceparent: string | null;
}

/** What the object around the core has to do after the transaction. All of it may be lost: alarms and cursors repeat it. */
export interface Effects {
  /** There is work that idle nodes could take. */
  ring: boolean;
  kills: Kill[];
  /** Jobs whose uploads should be committed now. */
  commit: string[];
  /** Uploads that nobody will finish. */
  abort: boolean;
  /** Batches of which a member ended, and which go on: their streams hear of it. */
  batches: string[];
  attempts: AttemptChange[];
  /** Something was seen of a node that D1 and the other partitions should know. */
  notes: boolean;
  /** Nodes whose lease had to stop before it had looked at every account. */
  again: string[];
}

export interface Turn {
  sql: Sql;
  now: number;
  /** Uniform in [0, 1). */
  random: () => number;
  ids: EventIds;
  figures: Figures;
  config: ResolvedCore;
  epoch: number;
  effects: Effects;
  /** What this turn knows of the edge's own absences; null: it has not read it yet. */
  absence: { known: Absence | null };
}

export function noEffects(): Effects {
  return { ring: false, kills: [], commit: [], abort: false, batches: [], attempts: [], notes: false, again: [] };
}

/** `<epoch>.<attempt>`: the fencing token of one hand-out. */
export function tokenOf(turn: Turn, attempt: number): string {
  return `${turn.epoch}.${attempt}`;
}

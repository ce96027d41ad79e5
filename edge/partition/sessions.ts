/** Node sessions and their leases: one heartbeat keeps all that a session holds. */
import type { HeartbeatAnswer, Held, Slots } from "../../shared/contract/fleet.ts";
import { lastSign, putOffDeadlines, renewLeasesOnce } from "./absence.ts";
import { doomUploads, failAttempt, NO_HAND_OUT } from "./end.ts";
import type { LiveJob } from "./job-row.ts";
import { attemptRow, killAttempt, moveJob, patchJob } from "./move.ts";
import { ordersFor } from "./node-orders.ts";
import { claim } from "./report.ts";
import type { Sql } from "./sql.ts";
import { type Turn, tokenOf } from "./turn.ts";

/** Who is calling: from the session key, which the edge has signed. */
export interface NodeIdentity {
  node: string;
  session: number;
  /** Public name. */
  name: string;
  /** `key=value`. */
  tags: string[];
  country: string | null;
  /** Serves this account only; null: shared. */
  account: string | null;
  /** The edge gives it no work: its tools are too old. */
  quiet?: true | undefined;
}

export interface SessionRow {
  node_id: string;
  session: number;
  name: string;
  tags: string;
  country: string | null;
  account_id: string | null;
  state: string;
  slots: string;
  last_seen: number;
  lease_until: number;
  progress: string;
}

function getSession(turn: Turn, node: string): SessionRow | undefined {
  return turn.sql.get<SessionRow>("SELECT * FROM sessions WHERE node_id = ?", node);
}

/**
 * Lets a session in, or fences it out. A higher number ends the older session of the same node: what that one held is
 * returned at once. Returns false for the older one.
 */
export function enterSession(turn: Turn, who: NodeIdentity): boolean {
  const known = getSession(turn, who.node);
  if (known !== undefined && known.session > who.session) return false;
  if (known !== undefined && known.session === who.session) {
    if (known.state === "lost") revive(turn, who);
    // Resumed with other tools than before: what it can do is among its tags.
    if (known.tags !== JSON.stringify(who.tags)) {
      turn.figures.sessionsChanged();
      turn.sql.run("UPDATE sessions SET tags = ? WHERE node_id = ?", JSON.stringify(who.tags), who.node);
    }
    return true;
  }
  if (known !== undefined) returnAll(turn, who.node);
  endSilence(turn);
  turn.figures.sessionsChanged();
  turn.sql.run(
    `INSERT INTO sessions (node_id, session, name, tags, country, account_id, state, slots, last_seen, lease_until, progress)
     VALUES (?, ?, ?, ?, ?, ?, ?, '{"download":0,"live":0}', ?, ?, '[]')
     ON CONFLICT (node_id) DO UPDATE SET session = excluded.session, name = excluded.name, tags = excluded.tags,
       country = excluded.country, account_id = excluded.account_id, state = excluded.state, slots = excluded.slots,
       last_seen = excluded.last_seen, lease_until = excluded.lease_until, progress = excluded.progress`,
    who.node,
    who.session,
    who.name,
    JSON.stringify(who.tags),
    who.country,
    who.account,
    openingState(turn, who),
    turn.now,
    turn.now + turn.config.leaseTtlMs,
  );
  return true;
}

/** A session that was given up is heard again: it starts over with empty hands, and under a lease like any other. */
function revive(turn: Turn, who: NodeIdentity): void {
  endSilence(turn);
  turn.figures.sessionsChanged();
  turn.sql.run(
    "UPDATE sessions SET state = ?, last_seen = ?, lease_until = ? WHERE node_id = ?",
    openingState(turn, who),
    turn.now,
    turn.now + turn.config.leaseTtlMs,
    who.node,
  );
}

function openingState(turn: Turn, who: NodeIdentity): "running" | "quiet" {
  return takesNoWork(turn.sql, who) ? "quiet" : "running";
}

/** A drained node, one in quarantine, or one with too old tools, takes no work, whatever it says of itself. */
export function takesNoWork(sql: Sql, who: NodeIdentity): boolean {
  const { drained, quarantine } = ordersFor(sql, who.node);
  return who.quiet === true || drained || quarantine !== null;
}

/**
 * The first sign of life after nobody was heard for TTL / 2: the edge itself was away (late reaper rule), and the other
 * nodes have had no chance yet. Each gets a fresh TTL, once per silence of its own.
 */
function endSilence(turn: Turn): void {
  const heard = lastSign(turn);
  if (heard === null || turn.now - heard < turn.config.leaseTtlMs / 2) return;
  renewLeasesOnce(turn);
  putOffDeadlines(turn, turn.now - heard);
}

// Uses job_held_by(node_id).
function heldBy(turn: Turn, node: string): LiveJob[] {
  return turn.sql.all<LiveJob>("SELECT * FROM jobs WHERE node_id = ? AND state IN ('offered', 'running')", node);
}

/** Returns everything a node holds, class *lost* for what was running. */
export function returnAll(turn: Turn, node: string): number {
  const held = heldBy(turn, node);
  for (const job of held) returnOne(turn, job);
  return held.length;
}

/** The operator takes everything from a node: no try is counted, because nothing went wrong with the jobs. */
export function withdrawAll(turn: Turn, node: string): number {
  const held = heldBy(turn, node);
  for (const job of held) {
    killAttempt(turn, job);
    releaseAttempt(turn, job);
  }
  return held.length;
}

/** An offer goes back without a try; a running attempt is lost, and its node is told in case it still lives. */
export function returnOne(turn: Turn, job: LiveJob): void {
  killAttempt(turn, job);
  if (job.state === "offered") {
    moveJob(turn, job, "queued", NO_HAND_OUT);
    return;
  }
  failAttempt(turn, job, { class: "lost", message: null, permanent: false, retryAfterMs: null });
}

export interface Heartbeat {
  holding: Held[];
  slots: Slots;
  state: "running" | "quiet";
  /** Why it is quiet, in its own words; cleaned. */
  reason?: string | null;
  /** Last progress of the session's attempts, as kept by the object; written along so that it survives an eviction. */
  progress: string | null;
}

/** Renews the lease, names what the node should kill, and returns attempts that two heartbeats in a row lack. */
export function heartbeat(turn: Turn, who: NodeIdentity, beat: Heartbeat): HeartbeatAnswer["kill"] {
  endSilence(turn);
  const held = heldBy(turn, who.node);
  const room = beat.slots.download + held.filter((job) => job.live === 0).length;
  turn.sql.run(
    `UPDATE sessions SET last_seen = ?, lease_until = ?, slots = ?, room = ?, state = ?, reason = ?,
       progress = coalesce(?, progress) WHERE node_id = ?`,
    turn.now,
    turn.now + turn.config.leaseTtlMs,
    JSON.stringify(beat.slots),
    room,
    beat.state,
    beat.reason ?? null,
    beat.progress,
    who.node,
  );
  // By job and token: a node may still be ending an old attempt of a job while it runs the new one.
  const listed = new Set(beat.holding.map((held) => `${held.job} ${held.token}`));
  const live = new Set<string>();
  for (const job of held) {
    const name = `${job.id} ${tokenOf(turn, job.attempt)}`;
    if (listed.has(name)) {
      live.add(name);
      if (job.missed > 0) patchJob(turn, job, { missed: 0 });
      continue;
    }
    // An offer has its own, shorter term. A running attempt may be missing once: the heartbeat can cross the confirm.
    if (job.state !== "running") continue;
    if (job.missed + 1 >= 2) returnOne(turn, job);
    else patchJob(turn, job, { missed: job.missed + 1 });
  }
  return beat.holding.filter(
    (held) =>
      !live.has(`${held.job} ${held.token}`) &&
      // It has decided its job and waits for our answer, or repeats its report because the answer was lost.
      claim(turn, who, held.job, held.token).kind !== "decided",
  );
}

/** A node gives an attempt back (drain, shutdown): no try is counted. Stale tokens change nothing. */
export function releaseAttempt(turn: Turn, job: LiveJob): void {
  const attempt = job.state === "running" ? attemptRow(turn, job, { outcome: "released", error: null }) : null;
  doomUploads(turn, job.id);
  moveJob(
    turn,
    job,
    "queued",
    {
      ...NO_HAND_OUT,
      step: null,
      progress: 0,
      queued_at: turn.now,
      // It has waited for an allowed node once and found one: now it waits anew.
      avoid_until: job.avoid_until === null ? null : turn.now + turn.config.backoffMaxMs,
    },
    attempt === null ? {} : { event: ".attempt.ended", attempt },
  );
}

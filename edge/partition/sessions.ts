/** Node sessions and their leases: one heartbeat keeps all that a session holds. */
import type { HeartbeatAnswer, Held, Slots } from "../../shared/contract/fleet.ts";
import { failAttempt, NO_HAND_OUT } from "./end.ts";
import type { LiveJob } from "./job-row.ts";
import { attemptRow, killAttempt, moveJob, patchJob } from "./move.ts";
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

export function getSession(turn: Turn, node: string): SessionRow | undefined {
  return turn.sql.get<SessionRow>("SELECT * FROM sessions WHERE node_id = ?", node);
}

/**
 * Lets a session in, or fences it out. A higher number ends the older session of the same node: what that one held is
 * returned at once. Returns false for the older one.
 */
export function enterSession(turn: Turn, who: NodeIdentity): boolean {
  const known = getSession(turn, who.node);
  if (known !== undefined && known.session > who.session) return false;
  if (known !== undefined && known.session === who.session) return true;
  if (known !== undefined) returnAll(turn, who.node);
  turn.sql.run(
    `INSERT INTO sessions (node_id, session, name, tags, country, account_id, state, slots, last_seen, lease_until, progress)
     VALUES (?, ?, ?, ?, ?, ?, 'running', '{"download":0,"live":0}', ?, ?, '[]')
     ON CONFLICT (node_id) DO UPDATE SET session = excluded.session, name = excluded.name, tags = excluded.tags,
       country = excluded.country, account_id = excluded.account_id, state = excluded.state, slots = excluded.slots,
       last_seen = excluded.last_seen, lease_until = excluded.lease_until, progress = excluded.progress`,
    who.node,
    who.session,
    who.name,
    JSON.stringify(who.tags),
    who.country,
    who.account,
    turn.now,
    turn.now + turn.config.leaseTtlMs,
  );
  return true;
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
  /** Last progress of the session's attempts, as kept by the object; written along so that it survives an eviction. */
  progress: string | null;
}

/** Renews the lease, names what the node should kill, and returns attempts that two heartbeats in a row lack. */
export function heartbeat(turn: Turn, who: NodeIdentity, beat: Heartbeat): HeartbeatAnswer["kill"] {
  turn.sql.run(
    "UPDATE sessions SET last_seen = ?, lease_until = ?, slots = ?, state = ?, progress = coalesce(?, progress) WHERE node_id = ?",
    turn.now,
    turn.now + turn.config.leaseTtlMs,
    JSON.stringify(beat.slots),
    beat.state,
    beat.progress,
    who.node,
  );
  const listed = new Map(beat.holding.map((held) => [held.job, held.token]));
  const live = new Set<string>();
  for (const job of heldBy(turn, who.node)) {
    const token = tokenOf(turn, job.attempt);
    if (listed.get(job.id) === token) {
      live.add(job.id);
      if (job.missed > 0) patchJob(turn, job, { missed: 0 });
      continue;
    }
    // An offer has its own, shorter term. A running attempt may be missing once: the heartbeat can cross the confirm.
    if (job.state !== "running") continue;
    if (job.missed + 1 >= 2) returnOne(turn, job);
    else patchJob(turn, job, { missed: job.missed + 1 });
  }
  return beat.holding.filter((held) => !live.has(held.job));
}

/** A node gives an attempt back (drain, shutdown): no try is counted. Stale tokens change nothing. */
export function releaseAttempt(turn: Turn, job: LiveJob): void {
  const attempt = job.state === "running" ? attemptRow(turn, job, { outcome: "released", error: null }) : null;
  turn.sql.run("UPDATE uploads SET doomed_at = ? WHERE job_id = ? AND doomed_at IS NULL", turn.now, job.id);
  turn.effects.abort = true;
  moveJob(
    turn,
    job,
    "queued",
    { ...NO_HAND_OUT, step: null, progress: 0, queued_at: turn.now },
    attempt === null ? {} : { event: ".attempt.ended", attempt },
  );
}

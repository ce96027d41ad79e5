/** Due work: what the alarm does. Each kind handles at most `ALARM_MAX_ROWS` rows a run and says whether more is due. */
import { FAILURE_RULES } from "../../shared/contract/failures.ts";
import {
  ALARM_MAX_ROWS,
  COMMIT_CHECK_MS,
  IDEMPOTENCY_KEPT_MS,
  OUTCOME_MEMORY_MS,
  REAPER_LATE_SHARE,
} from "../../shared/limits.ts";
import {
  forgetRenewals,
  leaseEnd,
  leasesRunFrom,
  nextDeadline,
  overdueBetween,
  putOffAt,
  putOffDeadlines,
  renewAllLeases,
} from "./absence.ts";
import { endFailed, failAttempt, NO_HAND_OUT } from "./end.ts";
import { type LiveJob, parseAvoid } from "./job-row.ts";
import { killAttempt, moveJob, patchJob } from "./move.ts";
import type { EdgePresence } from "./presence.ts";
import { getMeta, setMeta } from "./schema.ts";
import { returnAll } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** Far longer than a session key lives. */
const LOST_SESSION_KEPT_MS = 24 * 60 * 60_000;

export interface ReapCount {
  promoted: number;
  offersEnded: number;
  timedOut: number;
  sessionsEnded: number;
  attemptsReturned: number;
  gaveUp: number;
  /** All leases were renewed, because it was the edge that was away. */
  spared: boolean;
}

export function runDue(turn: Turn, presence: EdgePresence): ReapCount {
  const count: ReapCount = {
    promoted: promote(turn),
    offersEnded: endOffers(turn),
    timedOut: 0,
    sessionsEnded: 0,
    attemptsReturned: 0,
    gaveUp: giveUp(turn),
    spared: wasAway(turn, presence),
  };
  if (count.spared) spare(turn, presence);
  else Object.assign(count, endLeases(turn));
  count.timedOut = endOverdue(turn);
  askForCommits(turn);
  forget(turn);
  return count;
}

/**
 * Commits to be tried (again). Each is due once more in a while, in case the object ends in the middle of it; until then
 * a commit under way must not keep the alarm ringing. Uses job_due_commit(commit_due).
 */
function askForCommits(turn: Turn): void {
  const due = turn.sql.all<{ id: string }>(
    `SELECT id FROM jobs WHERE state = 'finishing' AND commit_due <= ? LIMIT ${ALARM_MAX_ROWS}`,
    turn.now,
  );
  for (const job of due) {
    turn.effects.commit.push(job.id);
    turn.sql.run("UPDATE jobs SET commit_due = ? WHERE id = ?", turn.now + COMMIT_CHECK_MS, job.id);
  }
}

// Uses job_due_time(not_before).
function promote(turn: Turn): number {
  const due = turn.sql.all<LiveJob>(
    `SELECT * FROM jobs WHERE state IN ('delayed', 'waiting') AND not_before <= ? LIMIT ${ALARM_MAX_ROWS}`,
    turn.now,
  );
  for (const job of due) {
    if (job.state === "waiting" && job.wait_until !== null && job.wait_until <= turn.now) {
      endFailed(turn, job, "not_begun", FAILURE_RULES.not_begun.text, {}, null);
    } else {
      moveJob(turn, job, "queued", { not_before: null, queued_at: turn.now });
    }
  }
  return due.length;
}

// Uses job_due_offer(offer_until).
function endOffers(turn: Turn): number {
  const due = turn.sql.all<LiveJob>(
    `SELECT * FROM jobs WHERE state = 'offered' AND offer_until <= ? LIMIT ${ALARM_MAX_ROWS}`,
    turn.now,
  );
  for (const job of due) moveJob(turn, job, "queued", NO_HAND_OUT);
  return due.length;
}

// Uses job_due_deadline(deadline_at).
function endOverdue(turn: Turn): number {
  const { above, upTo } = overdueBetween(turn);
  const due = turn.sql.all<LiveJob>(
    `SELECT * FROM jobs WHERE state = 'running' AND deadline_at > ? AND deadline_at <= ? LIMIT ${ALARM_MAX_ROWS}`,
    above,
    upTo,
  );
  for (const job of due) {
    killAttempt(turn, job);
    failAttempt(turn, job, { class: "timeout", message: null, permanent: false, retryAfterMs: null });
  }
  return due.length;
}

/** Jobs that only certain nodes may have, and none of them came in time. Uses job_due_avoid(avoid_until). */
function giveUp(turn: Turn): number {
  const due = turn.sql.all<LiveJob>(
    `SELECT * FROM jobs WHERE state = 'queued' AND avoid_until IS NOT NULL AND avoid_until <= ? LIMIT ${ALARM_MAX_ROWS}`,
    turn.now,
  );
  for (const job of due) {
    const avoid = parseAvoid(job);
    if (avoid === null) patchJob(turn, job, { avoid_until: null });
    else endFailed(turn, job, avoid.class, avoid.message, { avoid: null, avoid_until: null }, null);
  }
  return due.length;
}

// Uses session_lease(lease_until).
function endLeases(turn: Turn): Pick<ReapCount, "sessionsEnded" | "attemptsReturned"> {
  const due = turn.sql.all<{ node_id: string }>(
    `SELECT node_id FROM sessions WHERE lease_until < ? AND state <> 'lost' ORDER BY lease_until LIMIT ${ALARM_MAX_ROWS}`,
    leasesRunFrom(turn),
  );
  let returned = 0;
  let ended = 0;
  for (const session of due) {
    // What is left is due still: the next run follows at once.
    if (returned >= ALARM_MAX_ROWS) break;
    ended++;
    returned += returnAll(turn, session.node_id);
    // The row stays: the session itself is not fenced, and its next heartbeat brings it back with empty hands.
    turn.sql.run("UPDATE sessions SET state = 'lost' WHERE node_id = ?", session.node_id);
  }
  if (ended > 0) turn.figures.sessionsChanged();
  if (ended < ALARM_MAX_ROWS && ended === due.length) forgetRenewals(turn);
  return { sessionsEnded: ended, attemptsReturned: returned };
}

/**
 * The late reaper rule (DESIGN section 3): after the edge itself was away, silence proves nothing about the nodes.
 *
 * It was away if this run is later than TTL / 6 after its due time, or if something was handled within the last TTL
 * before which no heartbeat of any session had come for TTL / 2. The second sign looks the same when the only node has
 * died while clients go on asking, so it spares the leases at most once per silence: a dead node is found after two TTLs then.
 */
function wasAway(turn: Turn, presence: EdgePresence): boolean {
  const ttl = turn.config.leaseTtlMs;
  if (turn.now - presence.dueAt > ttl * REAPER_LATE_SHARE) return true;
  const heard = lastHeard(turn);
  if (heard === null || presence.lastHandledAt < turn.now - ttl) return false;
  if (presence.lastHandledAt - heard < ttl / 2) return false;
  return getMeta(turn.sql, "spared_silence") !== String(heard);
}

function spare(turn: Turn, presence: EdgePresence): void {
  const heard = lastHeard(turn);
  setMeta(turn.sql, "spared_silence", String(heard));
  renewAllLeases(turn);
  putOffDeadlines(turn, heard === null ? 0 : missed(turn, presence, heard));
}

/**
 * For how long nothing was handled since a node was heard, as far as that was not put off before: until this run, and until
 * whatever else came first. A run that is merely late has missed nothing of what an attempt may take.
 */
function missed(turn: Turn, { lastHandledAt, gap }: EdgePresence, heard: number): number {
  const known = Math.max(heard, putOffAt(turn));
  const before = gap === undefined ? 0 : gap.until - Math.max(gap.from, known);
  const lately = Math.max(0, turn.now - Math.max(lastHandledAt, known));
  return lately + (before < turn.config.leaseTtlMs / 2 ? 0 : before);
}

/** When any node was heard last; null: none is left. Uses session_lease(lease_until), which is in the order of being heard. */
function lastHeard(turn: Turn): number | null {
  const newest = turn.sql.get<{ last_seen: number }>(
    "SELECT last_seen FROM sessions WHERE state <> 'lost' ORDER BY lease_until DESC LIMIT 1",
  );
  return newest?.last_seen ?? null;
}

/** Old memories. Each statement is bounded by an index on age. */
function forget(turn: Turn): void {
  const limit = `LIMIT ${ALARM_MAX_ROWS}`;
  turn.sql.run(
    `DELETE FROM outcomes WHERE job_id IN (SELECT job_id FROM outcomes WHERE ended_at < ? ${limit})`,
    turn.now - OUTCOME_MEMORY_MS,
  );
  turn.sql.run(
    `DELETE FROM idempotency WHERE (account_id, key_id, key) IN
       (SELECT account_id, key_id, key FROM idempotency WHERE began_at < ? ${limit})`,
    turn.now - IDEMPOTENCY_KEPT_MS,
  );
  // Uses cool_down_age(until).
  turn.sql.run(
    `DELETE FROM cool_downs WHERE (node_id, host) IN (SELECT node_id, host FROM cool_downs WHERE until < ? ${limit})`,
    turn.now,
  );
  // By then no key of such a session lives any more, so that there is nobody to fence. Uses session_lost(lease_until).
  turn.sql.run(
    `DELETE FROM sessions WHERE node_id IN (SELECT node_id FROM sessions WHERE state = 'lost' AND lease_until < ? ${limit})`,
    turn.now - LOST_SESSION_KEPT_MS,
  );
}

/** When the next run is due; null when nothing waits for time. The alarm is armed iff this is not null. */
export function nextDue(turn: Turn): number | null {
  const row = turn.sql.get<{ due: number | null }>(`
    SELECT min(due) AS due FROM (
      SELECT min(not_before) AS due FROM jobs WHERE state IN ('delayed', 'waiting')
      UNION ALL SELECT min(offer_until) FROM jobs WHERE state = 'offered'
      UNION ALL SELECT min(commit_due) FROM jobs WHERE state = 'finishing'
      UNION ALL SELECT min(avoid_until) FROM jobs WHERE state = 'queued' AND avoid_until IS NOT NULL
    )`);
  const lease = turn.sql.get<{ due: number | null }>(
    "SELECT min(lease_until) AS due FROM sessions WHERE state <> 'lost'",
  );
  const doomed = turn.sql.get<{ due: number | null }>(
    "SELECT min(doomed_at) AS due FROM uploads WHERE doomed_at IS NOT NULL",
  );
  const leaseDue = lease?.due == null ? null : leaseEnd(turn, lease.due);
  const candidates = [row?.due ?? null, leaseDue, nextDeadline(turn), doomed?.due ?? null].filter(
    (due) => due !== null,
  );
  return candidates.length === 0 ? null : Math.min(...candidates);
}

/** Ends of an attempt that did not succeed: by a failure report, a lost lease, a deadline, a storage that refused. */

import { cleanText } from "../../shared/clean-text.ts";
import { FAILURE_RULES, type FailureClass } from "../../shared/contract/failures.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { avoidAfter, otherCountryOnline } from "./avoid.ts";
import { decideFailure, restMs } from "./decide.ts";
import { type LiveJob, parseTries } from "./job-row.ts";
import { attemptRow, moveJob } from "./move.ts";
import { freeNames } from "./names.ts";
import type { State } from "./states.ts";
import { type Turn, tokenOf } from "./turn.ts";
import { nextLook, waitUntil } from "./wait.ts";

export interface FailureReport {
  class: FailureClass;
  message: string | null;
  permanent: boolean;
  retryAfterMs: number | null;
  /** Of a stream that has not begun: until its announced start. */
  startsInMs?: number | null;
}

/** Columns that belong to a hand-out; none of them may outlive it. */
export const NO_HAND_OUT = {
  node_id: null,
  session: null,
  offer_until: null,
  deadline_at: null,
  missed: 0,
  manifest: null,
  finishing_since: null,
  commit_tries: 0,
  commit_due: null,
} satisfies Partial<LiveJob>;

const END_STATES: Record<"Failed" | "Warning" | "Skipped", State> = {
  Failed: "failed",
  Warning: "warning",
  Skipped: "skipped",
};

/** Applies the table of jobs API 12 to a job in `running` or `finishing`. */
export function failAttempt(turn: Turn, job: LiveJob, report: FailureReport): LiveJob {
  const text = cleanText(report.message ?? "") || FAILURE_RULES[report.class].text;
  const attempt = attemptRow(turn, job, { outcome: report.class, error: text });
  doomUploads(turn, job.id, job.state === "finishing");
  const options = JSON.parse(job.options) as JobOptions;
  if (report.class === "not_begun" && options.wait_for_video && job.state === "running") {
    const until = waitUntil(job, turn.now);
    if (turn.now < until) return waitForStream(turn, job, until, report.startsInMs ?? null, attempt);
  }
  const rule = { baseMs: turn.config.backoffBaseMs, maxMs: turn.config.backoffMaxMs };
  if (report.class === "bot" || report.class === "rate") coolDown(turn, job, restMs(report.retryAfterMs, rule));
  const facts = { ...report, tries: parseTries(job) };
  const decision = decideFailure(facts, turn.now, rule, turn.random);
  const tries = JSON.stringify(decision.tries);
  if (decision.kind === "end" || (decision.avoid === "countries" && !otherCountryOnline(turn, job))) {
    return endFailed(turn, job, report.class, text, { tries }, attempt);
  }
  const avoid = avoidAfter(turn, job, decision.avoid, report.class, text);
  return moveJob(
    turn,
    job,
    "delayed",
    { ...NO_HAND_OUT, step: null, progress: 0, tries, not_before: decision.notBefore, ...avoid },
    { event: ".attempt.ended", attempt },
  );
}

/** Ends a job with a failure class. Names go free, its token is remembered as the one that decided. */
export function endFailed(
  turn: Turn,
  job: LiveJob,
  failureClass: FailureClass,
  text: string,
  patch: Partial<LiveJob>,
  attempt: ReturnType<typeof attemptRow> | null,
): LiveJob {
  const rule = FAILURE_RULES[failureClass];
  freeNames(turn, job.id);
  return moveJob(
    turn,
    job,
    failureClass === "cancelled" ? "cancelled" : END_STATES[rule.status],
    {
      ...NO_HAND_OUT,
      ...patch,
      error: text,
      error_type: rule.error_type,
      error_class: failureClass,
      // A cancel has no winning report: whoever still runs it gets `lease_lost` and kills it.
      winner: attempt === null || failureClass === "cancelled" ? null : tokenOf(turn, job.attempt),
    },
    { attempt },
  );
}

/** No try is counted: nothing has failed. */
function waitForStream(
  turn: Turn,
  job: LiveJob,
  until: number,
  startsInMs: number | null,
  attempt: ReturnType<typeof attemptRow>,
): LiveJob {
  const startsAt = startsInMs === null ? job.starts_at : turn.now + startsInMs;
  return moveJob(
    turn,
    job,
    "waiting",
    {
      ...NO_HAND_OUT,
      step: null,
      progress: 0,
      wait_until: until,
      starts_at: startsAt,
      not_before: nextLook(startsAt, until, turn.now, turn.config),
    },
    { event: ".attempt.ended", attempt },
  );
}

/**
 * Uploads of a dead attempt are aborted by the object around the core, again and again until the store has answered.
 *
 * @param asked a commit was asked for: without an answer, the store may be at it still.
 */
export function doomUploads(turn: Turn, jobId: string, asked = false): void {
  // The job's secrets are erased with its end. Those of inline storage are still needed here, to clear up.
  turn.sql.run(
    `UPDATE uploads SET doomed_at = ?, look_again = ?, sealed = (
       SELECT j.sealed FROM jobs j JOIN targets t ON t.id = j.target_id WHERE j.id = uploads.job_id AND t.sealed IS NULL)
     WHERE job_id = ? AND doomed_at IS NULL`,
    turn.now,
    asked ? 1 : 0,
    jobId,
  );
  turn.effects.abort = true;
}

function coolDown(turn: Turn, job: LiveJob, forMs: number): void {
  if (job.node_id === null) return;
  turn.sql.run(
    "INSERT INTO cool_downs (node_id, host, until) VALUES (?, ?, ?) ON CONFLICT (node_id, host) DO UPDATE SET until = max(until, excluded.until)",
    job.node_id,
    job.source_host,
    turn.now + forMs,
  );
}

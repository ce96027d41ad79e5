/** What the documents say of one job, worked out again beside the core: how long it may run, how long it waits. */
import type { LiveJob } from "../../../edge/partition/job-row.ts";
import type { ResolvedCore } from "../../../edge/partition/turn.ts";
import type { Limits } from "../../../shared/contract/admin.ts";
import { FAILURE_RULES, type FailureClass } from "../../../shared/contract/failures.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { COOL_DOWN_MS, LIVE_CAP_SECONDS, LIVE_DEADLINE_EXTRA_MS, MAX_TRIES_TOTAL } from "../../../shared/limits.ts";

/** Of its key before those of its account. */
export function limitsOn(job: LiveJob, accountLimits: string): Limits {
  return { ...(JSON.parse(accountLimits) as Limits), ...(JSON.parse(job.options) as JobOptions).limits };
}

/** Milliseconds that one attempt may run (jobs API 12). */
export function deadlineOf(job: LiveJob, accountLimits: string, live: boolean, config: ResolvedCore): number {
  const { attempt_deadline_seconds, max_duration_seconds = Number.POSITIVE_INFINITY } = limitsOn(job, accountLimits);
  if (attempt_deadline_seconds !== undefined) return attempt_deadline_seconds * 1_000;
  if (!live) return config.deadlineMs;
  const asked = (JSON.parse(job.options) as JobOptions).max_duration ?? LIVE_CAP_SECONDS;
  return Math.min(asked, max_duration_seconds) * 1_000 + LIVE_DEADLINE_EXTRA_MS;
}

/** How long a node rests from a host that asked it to. */
export function restOf(retryAfterMs: number | null, config: ResolvedCore): number {
  return retryAfterMs === null ? COOL_DOWN_MS : Math.min(retryAfterMs, config.backoffMaxMs);
}

/** The longest back-off after so many tries of a class. */
export function longestBackoff(tries: number, { backoffBaseMs, backoffMaxMs }: ResolvedCore): number {
  return Math.min(backoffMaxMs, backoffBaseMs * 3 ** tries);
}

export type Counts = Partial<Record<FailureClass, number>>;

export function sumOf(tries: Counts): number {
  return Object.values(tries).reduce((sum, count) => sum + count, 0);
}

/** Whether the table of failures has another try for the job. */
export function hasTriesLeft(tries: Counts, failure: FailureClass): boolean {
  const { node_fault: _, ...own } = tries;
  const isOver = failure !== "node_fault" && sumOf(own) >= MAX_TRIES_TOTAL;
  return (tries[failure] ?? 0) < FAILURE_RULES[failure].tries && !isOver;
}

import { FAILURE_RULES } from "../../shared/contract/failures.ts";
import { openMembers } from "./batches.ts";
import { doomUploads, endFailed } from "./end.ts";
import { attemptRow, getJob, killAttempt } from "./move.ts";
import type { State } from "./states.ts";
import type { Turn } from "./turn.ts";

export type CancelResult =
  | { kind: "cancelled"; event: number }
  /** Running without `force`, being committed, or over already. */
  | { kind: "refused" }
  | { kind: "unknown" };

const PLAIN: readonly State[] = ["held", "queued", "offered", "delayed", "waiting"];
const FORCED: readonly State[] = [...PLAIN, "running", "parent"];

/**
 * Cancels a job (jobs API 3.7). Atomic: once this is acknowledged no token of the job is live, so it never runs. An
 * `offered` job still counts as pending, because its node has not touched the source before the confirm.
 */
export function cancelJob(turn: Turn, account: string, id: string, force: boolean): CancelResult {
  const job = getJob(turn, id);
  if (job === undefined || job.account_id !== account) return { kind: "unknown" };
  if (!(force ? FORCED : PLAIN).includes(job.state)) return { kind: "refused" };
  const ran = job.state === "running";
  if (ran || job.state === "offered") killAttempt(turn, job);
  doomUploads(turn, job.id);
  const text = FAILURE_RULES.cancelled.text;
  const attempt = ran ? attemptRow(turn, job, { outcome: "cancelled", error: text }) : null;
  const ended = endFailed(
    turn,
    job,
    "cancelled",
    text,
    { step: null, not_before: null, avoid: null, avoid_until: null },
    attempt,
  );
  if (job.state === "parent" && job.batch_id !== null) {
    // The parent ended first, so that the end of its batch finds it ended already.
    for (const child of openMembers(turn, job.batch_id)) cancelJob(turn, account, child.id, true);
  }
  return { kind: "cancelled", event: ended.terminal_event_id ?? 0 };
}

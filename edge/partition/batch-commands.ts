/** What a client may do with a whole batch (jobs API 6.2, 6.3). */
import { sanitiseName } from "../../shared/names.ts";
import { type BatchStatus, getBatch, openMembers } from "./batches.ts";
import { cancelJob } from "./cancel.ts";
import { recordEvent } from "./events.ts";
import { getJob, moveJob, patchJob } from "./move.ts";
import type { Turn } from "./turn.ts";

export type BatchResult<Done> =
  | ({ kind: "done"; event: number | null } & Done)
  | { kind: "not_paused"; status: BatchStatus }
  | { kind: "unknown" };

/** Lets the jobs of a paused batch go. */
export function startBatch(
  turn: Turn,
  account: string,
  id: string,
): BatchResult<{ started: number; status: BatchStatus }> {
  const batch = getBatch(turn, id);
  if (batch === undefined || batch.account_id !== account) return { kind: "unknown" };
  if (batch.status !== "paused") return { kind: "not_paused", status: batch.status };
  turn.sql.run("UPDATE batches SET status = 'processing', version = version + 1 WHERE id = ?", id);
  let event: number | null = null;
  let started = 0;
  for (const job of openMembers(turn, id)) {
    if (job.state !== "held") continue;
    const moved = moveJob(turn, job, "queued", { queued_at: turn.now });
    event = recordEvent(turn, moved, ".job.changed", null);
    started++;
  }
  return { kind: "done", event, started, status: "processing" };
}

export interface Rename {
  job: string;
  filename: string;
}

/** What became of one rename. `foreign`: not a live job of this batch; a retired one is known to D1 only. */
export type RenameOutcome = "done" | "not_pending" | "foreign";

/** Part success is success: what was not done is told, rename by rename. */
export function renameBatchJobs(
  turn: Turn,
  account: string,
  id: string,
  renames: readonly Rename[],
): BatchResult<{ outcomes: RenameOutcome[] }> {
  const batch = getBatch(turn, id);
  if (batch === undefined || batch.account_id !== account) return { kind: "unknown" };
  if (batch.status !== "paused") return { kind: "not_paused", status: batch.status };
  let event: number | null = null;
  const outcomes = renames.map(({ job: jobId, filename }): RenameOutcome => {
    const job = getJob(turn, jobId);
    if (job === undefined || job.batch_id !== id || job.role === "parent") return "foreign";
    if (job.state !== "held") return "not_pending";
    // Sanitised here already, so that the job echoes what its file will be called. Nothing left: named by its title.
    const renamed = patchJob(turn, job, { filename: sanitiseName(filename) || null });
    event = recordEvent(turn, renamed, ".job.changed", null);
    return "done";
  });
  return { kind: "done", event, outcomes };
}

/** Cancels every pending job of a batch; with `force` the running ones too. Not those that are being committed. */
export function cancelBatch(
  turn: Turn,
  account: string,
  id: string,
  force: boolean,
): BatchResult<{ cancelled: number }> {
  const batch = getBatch(turn, id);
  if (batch === undefined || batch.account_id !== account) return { kind: "unknown" };
  let event: number | null = null;
  let cancelled = 0;
  for (const job of openMembers(turn, id)) {
    const result = cancelJob(turn, account, job.id, force);
    if (result.kind !== "cancelled") continue;
    event = result.event;
    cancelled++;
  }
  return { kind: "done", event, cancelled };
}

/** A job's status as an item (library API 3.3). */
import type { JobRow } from "../../partition/job-row.ts";
import { isTerminal, type State } from "../../partition/states.ts";

/** Of items in the history, as D1's column `jobs.item` has them too. */
export const HISTORY_STATUSES = ["finished", "error", "skip", "cancelled", "not_live"] as const;
export type HistoryStatus = (typeof HISTORY_STATUSES)[number];

/** Of items in the queue. Null: waiting. */
export const RUNNING_STATUSES = ["preparing", "downloading", "postprocessing"] as const;
export type QueueStatus = (typeof RUNNING_STATUSES)[number] | null;

export type ItemStatus = HistoryStatus | QueueStatus;

export function itemStatus({ state, step }: Pick<JobRow, "state" | "step">): ItemStatus {
  switch (state) {
    case "held":
    case "queued":
    case "offered":
    case "delayed":
      return null;
    case "waiting":
      return "not_live";
    case "running":
      if (step === "download") return "downloading";
      return step === "mux" || step === "upload" ? "postprocessing" : "preparing";
    case "finishing":
    case "parent":
      return "postprocessing";
    case "completed":
      return "finished";
    case "failed":
    case "warning":
      return "error";
    case "skipped":
      return "skip";
    case "cancelled":
      return "cancelled";
  }
}

/** Whether an item is in the history. One that waits for its stream is, and comes back by itself. */
export function isHistory(state: State): boolean {
  return isTerminal(state) || state === "waiting";
}

/** The downloads API's view of a job's state. */
import { DOWNLOAD_STATUSES, type DownloadStatus } from "../../../shared/contract/downloads.ts";
import type { JobRow } from "../../partition/job-row.ts";

export function downloadStatus({ state, step }: Pick<JobRow, "state" | "step">): DownloadStatus {
  switch (state) {
    case "held":
    case "queued":
    case "offered":
    case "delayed":
    case "waiting":
      return "pending";
    case "running":
      return step === "mux" || step === "upload" ? "processing" : "downloading";
    case "finishing":
    case "parent":
      return "processing";
    case "completed":
      return "completed";
    case "failed":
    case "warning":
    case "skipped":
      return "error";
    case "cancelled":
      return "cancelled";
  }
}

/** A filter's value; what is no status filters nothing. */
export function asDownloadStatus(text: string | undefined): DownloadStatus | null {
  return DOWNLOAD_STATUSES.find((each) => each === text) ?? null;
}

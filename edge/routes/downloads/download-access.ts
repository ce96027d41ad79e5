/** Ways from a request to a task: the job behind it, unless it was removed from this surface. */
import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { findBatch } from "../../db/batches.ts";
import { isHidden } from "../../db/downloads.ts";
import type { BatchRow } from "../../partition/batches.ts";
import { isTerminal } from "../../partition/states.ts";
import type { AppContext } from "../http.ts";
import { askPartition, readJobSource } from "../jobs/job-access.ts";
import type { JobSource } from "../jobs/job-view.ts";
import type { DownloadSource } from "./download-view.ts";

export function downloadNotFound(): AppError {
  return new AppError("not_found", "Download not found");
}

/** The id of the path; what cannot be an id is unknown. */
export function downloadIdOf(context: AppContext): string {
  const id = (context.req.param("id") ?? "").toLowerCase();
  if (!isUuid(id)) throw downloadNotFound();
  return id;
}

/**
 * The job of a task.
 *
 * @throws AppError 404 for an unknown id, another account's, and one that was removed here.
 */
export async function readDownloadJob(context: AppContext, id: string): Promise<JobSource> {
  const source = await readJobSource(context, id);
  if (source === null) throw downloadNotFound();
  // Only what is over can have been removed, so the poll of a running task costs no read of D1.
  const over = isTerminal(source.row.state);
  if (over && (await isHidden(context.env.DB, context.var.caller.account.id, id))) throw downloadNotFound();
  return source;
}

/** With what the task object shows beside its job. */
export async function toDownloadSource(
  context: AppContext,
  { row, files, ...live }: JobSource,
): Promise<DownloadSource> {
  return {
    row,
    batch: row.batch_id === null ? null : await readBatch(context, row.batch_id),
    // A parent's files are its first child's (jobs API 3.4), and so is the picture.
    hasThumbnail: row.role !== "parent" && files.some((file) => file.kind === "thumbnail" && file.deleted_at === null),
    eta_seconds: live.eta_seconds,
    speed_bytes_per_second: live.speed_bytes_per_second,
  };
}

async function readBatch(context: AppContext, id: string): Promise<BatchRow | null> {
  const account = context.var.caller.account.id;
  const live: BatchRow | null = await askPartition(context, async (stub) => stub.readBatch(account, id));
  return live ?? findBatch(context.env.DB, account, id);
}

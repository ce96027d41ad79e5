import { AppError, unavailable } from "../../app-error.ts";
import { hideJob } from "../../db/downloads.ts";
import type { FileRow } from "../../partition/drain.ts";
import { isTerminal } from "../../partition/states.ts";
import { MANAGED_TARGET } from "../../partition/targets.ts";
import { openManagedStore } from "../../storage/open-store.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AppContext } from "../http.ts";
import { deleteFiles } from "../jobs/delete-job-file.ts";
import { accountFacts, askPartition } from "../jobs/job-access.ts";
import { downloadIdOf, readDownloadJob } from "./download-access.ts";

const D1_RETRY_SECONDS = 5;
/** A commit of finished files takes about so long. */
const FINISHING_RETRY_SECONDS = 2;

/**
 * `DELETE /api/downloads/{id}/remove`: cancels what still runs, deletes the managed files, takes the task off this surface.
 * The job's record and its usage stay. Files go first: a repeat after a failure finds the task still there.
 */
export const removeDownload: Endpoint = {
  operationId: "remove-download",
  method: "DELETE",
  path: "/api/downloads/:id/remove",
  summary: "Remove a download and its files",
  scope: "jobs:write",
  async handler(context) {
    const id = downloadIdOf(context);
    const { row } = await readDownloadJob(context, id);
    if (!isTerminal(row.state)) await cancel(context, id);
    // Read again: it may have ended by itself before the cancel came.
    const over = await readDownloadJob(context, id);
    if (!isTerminal(over.row.state)) {
      throw new AppError("conflict", "Download is finishing, try again", {
        headers: { "Retry-After": String(FINISHING_RETRY_SECONDS) },
      });
    }
    // A parent's files are its children's.
    const files = over.row.role === "parent" ? [] : over.files.filter(isManaged);
    if (files.length > 0) await deleteFiles(context, id, files, openManagedStore(context.env));
    // The end of a job reaches D1 with the drain; the row that is hidden must be there.
    await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
    if (!(await hideJob(context.env.DB, context.var.caller.account.id, id, Date.now()))) throw notStored();
    return context.json({ message: "Download removed" });
  },
};

/** Files in storage of the client's own stay. */
function isManaged(file: FileRow): boolean {
  return file.deleted_at === null && file.target_id === MANAGED_TARGET;
}

async function cancel(context: AppContext, id: string): Promise<void> {
  const account = context.var.caller.account.id;
  const result = await askPartition(context, (stub) => stub.cancelJob(account, id, true));
  if (result === "unavailable") throw notStored();
}

function notStored(): AppError {
  return unavailable("The removal could not be stored yet, try again", D1_RETRY_SECONDS);
}

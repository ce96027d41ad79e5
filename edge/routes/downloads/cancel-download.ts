import { AppError, unavailable } from "../../app-error.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition } from "../jobs/job-access.ts";
import { downloadIdOf, readDownloadJob } from "./download-access.ts";

const D1_RETRY_SECONDS = 5;

/** `DELETE /api/downloads/{id}`: cancels, also what runs. The task stays listed. */
export const cancelDownload: Endpoint = {
  operationId: "cancel-download",
  method: "DELETE",
  path: "/api/downloads/:id",
  summary: "Cancel a download",
  scope: "jobs:write",
  async handler(context) {
    const id = downloadIdOf(context);
    const account = context.var.caller.account.id;
    const result = await askPartition(context, (stub) => stub.cancelJob(account, id, true));
    if (result === "cancelled") return context.json({ message: "Download cancelled" });
    if (result === "unavailable") throw unavailable("The cancel could not be stored yet, try again", D1_RETRY_SECONDS);
    // What the partition does not know may be over for long.
    await readDownloadJob(context, id);
    throw new AppError("conflict", "Download cannot be cancelled (already over or finishing)");
  },
};

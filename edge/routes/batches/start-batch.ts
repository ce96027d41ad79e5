import { BatchStarted } from "../../../shared/contract/views/batch.ts";
import { AppError, unavailable } from "../../app-error.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition } from "../jobs/job-access.ts";
import { batchIdOf, readBatchRow } from "./batch-access.ts";

const D1_RETRY_SECONDS = 5;

/** `POST /batch/{id}/start` (jobs API 6.2): lets the jobs of a paused batch go. */
export const startBatch: Endpoint = {
  operationId: "start-batch",
  method: "POST",
  path: "/batch/:id/start",
  summary: "Start a paused batch",
  scope: "jobs:write",
  describe: {
    tag: "Batches",
    id: "Id of the batch",
    answers: [
      answer(200, "Started.", BatchStarted),
      refused(400, "The batch is not paused.", "Batch is not paused (current status: processing)"),
      refused(404, "Unknown id, another account's, or no UUID.", "Batch not found"),
      refused(503, "The start could not be stored.", "The start could not be stored yet, try again"),
    ],
  },
  async handler(context) {
    const id = batchIdOf(context);
    const account = context.var.caller.account.id;
    const result = await askPartition(context, async (stub) => stub.startBatch(account, id));
    if (result.kind === "unavailable")
      throw unavailable("The start could not be stored yet, try again", D1_RETRY_SECONDS);
    if (result.kind === "done") {
      return context.json({ batch_id: id, started_jobs: result.started, status: result.status });
    }
    // A batch that is over has left the partition: D1 knows how it ended.
    const status = result.kind === "not_paused" ? result.status : (await readBatchRow(context, id)).status;
    throw new AppError("invalid", `Batch is not paused (current status: ${status})`);
  },
};

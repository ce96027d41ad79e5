import { BatchCancelled } from "../../../shared/contract/views/batch.ts";
import { unavailable } from "../../app-error.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { FORCE_QUERY } from "../../openapi/queries.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition } from "../jobs/job-access.ts";
import { batchIdOf, readBatchRow } from "./batch-access.ts";

const D1_RETRY_SECONDS = 5;

/** `DELETE /batch/{id}` (jobs API 6.3): cancels what is pending; with `force` what runs too. */
export const cancelBatch: Endpoint = {
  operationId: "cancel-batch",
  method: "DELETE",
  path: "/batch/:id",
  summary: "Cancel the pending jobs of a batch",
  scope: "jobs:write",
  describe: {
    tag: "Batches",
    id: "Id of the batch",
    details: "Running jobs go on unless `force` is given.",
    query: FORCE_QUERY,
    answers: [
      answer(200, "Cancelled, also when nothing was left.", BatchCancelled),
      refused(404, "Unknown id, another account's, or no UUID.", "Batch not found"),
      refused(503, "The cancel could not be stored.", "The cancel could not be stored yet, try again"),
    ],
  },
  async handler(context) {
    const id = batchIdOf(context);
    const account = context.var.caller.account.id;
    const force = context.req.query("force") === "true";
    const result = await askPartition(context, async (stub) => stub.cancelBatch(account, id, force));
    if (result.kind === "unavailable")
      throw unavailable("The cancel could not be stored yet, try again", D1_RETRY_SECONDS);
    if (result.kind === "done") return context.json({ batch_id: id, cancelled_jobs: result.cancelled });
    // Unknown here, known to D1: over, so nothing is left to cancel.
    await readBatchRow(context, id);
    return context.json({ batch_id: id, cancelled_jobs: 0 });
  },
};

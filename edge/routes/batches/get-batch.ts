import { Batch } from "../../../shared/contract/views/batch.ts";
import { batchJobIds } from "../../db/batches.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { batchIdOf, readBatchRow } from "./batch-access.ts";
import { batchView } from "./batch-view.ts";

/** `GET /batch/{id}` (jobs API 6.1). */
export const getBatch: Endpoint = {
  operationId: "get-batch",
  method: "GET",
  path: "/batch/:id",
  summary: "Read a batch",
  scope: "jobs:read",
  describe: {
    tag: "Batches",
    id: "Id of the batch",
    details: "Poll every 5 to 10 seconds, or follow the batch's events.",
    answers: [
      answer(200, "The batch.", Batch),
      refused(404, "Unknown id, another account's, or no UUID.", "Batch not found"),
    ],
  },
  async handler(context) {
    const batch = await readBatchRow(context, batchIdOf(context));
    const ids = await batchJobIds(context.env.DB, batch.account_id, batch.id);
    return context.json(batchView(batch, ids));
  },
};

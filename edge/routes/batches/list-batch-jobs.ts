import { z } from "zod";
import { JobList } from "../../../shared/contract/views/job-list.ts";
import { countBatchJobs, listBatchJobs as readJobs } from "../../db/jobs.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { pageQuery, STATUS_QUERY } from "../../openapi/queries.ts";
import type { Endpoint } from "../endpoint.ts";
import { accountFacts, askPartition } from "../jobs/job-access.ts";
import { listItems, listQuery } from "../jobs/job-list.ts";
import { batchIdOf, readBatchRow } from "./batch-access.ts";

const DEFAULT_LIMIT = 20;

/** `GET /batch/{id}/jobs` (jobs API 6.3): in batch order. */
export const listBatchJobs: Endpoint = {
  operationId: "list-batch-jobs",
  method: "GET",
  path: "/batch/:id/jobs",
  summary: "List the jobs of a batch",
  scope: "jobs:read",
  describe: {
    tag: "Batches",
    id: "Id of the batch",
    details: "In batch order; `total` counts the batch's jobs.",
    query: z.object({ ...pageQuery(DEFAULT_LIMIT), ...STATUS_QUERY }),
    answers: [
      answer(200, "The page.", JobList),
      refused(404, "Unknown id, another account's, or no UUID.", "Batch not found"),
    ],
  },
  async handler(context) {
    const id = batchIdOf(context);
    const { limit, offset, status } = listQuery(context, DEFAULT_LIMIT);
    const account = context.var.caller.account.id;
    await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
    const batch = await readBatchRow(context, id);
    const { DB } = context.env;
    const rows = await readJobs(DB, { account, batchId: id, status, limit, offset });
    const filtered = status === null ? batch.total : await countBatchJobs(DB, account, id, status);
    return context.json({
      jobs: await listItems(context, rows),
      total: batch.total,
      limit,
      offset,
      filtered_total: filtered,
      next_cursor: null,
    });
  },
};

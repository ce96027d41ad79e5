import { z } from "zod";
import { RenamesDone } from "../../../shared/contract/views/batch.ts";
import { EXAMPLE_ITEMS } from "../../../shared/contract/views/fields.ts";
import { AppError, unavailable } from "../../app-error.ts";
import { batchJobIds } from "../../db/batches.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { parseBody, readJsonObject } from "../http.ts";
import { askPartition } from "../jobs/job-access.ts";
import { batchIdOf, readBatchRow } from "./batch-access.ts";

const MAX_RENAMES = 1_000;
const D1_RETRY_SECONDS = 5;

const RenameBody = z
  .object({
    renames: z
      .array(
        z.object({
          job_id: z.string().describe("Id of a pending job of the batch"),
          filename: z.string().describe("New name, without extension"),
        }),
      )
      .max(MAX_RENAMES, { error: `Maximum ${MAX_RENAMES} renames per request` })
      .describe("What to rename"),
  })
  .meta({
    id: "RenameBatchJobs",
    description: "New names for jobs of a paused batch.",
    examples: [{ renames: [{ job_id: EXAMPLE_ITEMS[0], filename: "01 - Introduction" }] }],
  });

/** `PATCH /batch/{id}/jobs` (jobs API 6.2): names are sanitised when they are used, never rejected for their characters. */
export const renameBatchJobs: Endpoint = {
  operationId: "rename-batch-jobs",
  method: "PATCH",
  path: "/batch/:id/jobs",
  summary: "Rename jobs of a paused batch",
  scope: "jobs:write",
  describe: {
    tag: "Batches",
    id: "Id of the batch",
    details: "Names without extension; their characters are cleaned, never refused.",
    body: { schema: RenameBody, required: true },
    answers: [
      answer(200, "What could be renamed is.", RenamesDone),
      refused(
        400,
        "The batch has begun, or a bad field.",
        "Batch is not paused. Only paused batches can be renamed.",
        { error: "renames is required", field: "renames" },
        { error: "renames must be an array", field: "renames" },
        { error: `Maximum ${MAX_RENAMES} renames per request`, field: "renames" },
        { error: "renames[0].job_id is required", field: "renames[0].job_id" },
        { error: "renames[0].filename must be a string", field: "renames[0].filename" },
      ),
      refused(404, "Unknown id, another account's, or no UUID.", "Batch not found"),
      refused(503, "The renames could not be stored.", "The renames could not be stored yet, try again"),
    ],
  },
  async handler(context) {
    const body = parseBody(RenameBody, await readJsonObject(context.req.raw));
    const id = batchIdOf(context);
    const account = context.var.caller.account.id;
    const renames = body.renames.map(({ job_id, filename }) => ({ job: job_id.toLowerCase(), filename }));
    const result = await askPartition(context, async (stub) => stub.renameBatchJobs(account, id, renames));
    if (result.kind === "unavailable")
      throw unavailable("The renames could not be stored yet, try again", D1_RETRY_SECONDS);
    if (result.kind === "done") {
      const members = new Set(await batchJobIds(context.env.DB, account, id));
      const errors = result.outcomes.flatMap((outcome, index) => {
        const job = body.renames[index]?.job_id ?? "";
        if (outcome === "done") return [];
        // A member that has ended may have left the partition.
        const isMember = outcome === "not_pending" || members.has(job.toLowerCase());
        return [isMember ? `Job ${job} is not pending` : `Job ${job} does not belong to this batch`];
      });
      return context.json({ updated: renames.length - errors.length, errors });
    }
    if (result.kind === "unknown") await readBatchRow(context, id);
    throw new AppError("invalid", "Batch is not paused. Only paused batches can be renamed.");
  },
};

import { JobCancelled } from "../../../shared/contract/views/actions.ts";
import { AppError, unavailable } from "../../app-error.ts";
import { findJob } from "../../db/jobs.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { FORCE_QUERY } from "../../openapi/queries.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition, jobIdOf, notFound } from "./job-access.ts";

const D1_RETRY_SECONDS = 5;

/** `DELETE /jobs/{id}` (jobs API 3.7). After a 200 the job never runs. */
export const cancelJob: Endpoint = {
  operationId: "cancel-job",
  method: "DELETE",
  path: "/jobs/:id",
  summary: "Cancel a job",
  scope: "jobs:write",
  describe: {
    tag: "Jobs",
    id: "Id of the job",
    details: "Only `Pending` jobs. No webhook is sent.",
    query: FORCE_QUERY,
    answers: [
      answer(200, "Cancelled: the job never runs.", JobCancelled),
      refused(
        400,
        "Another state than `Pending`, with `force` one that is over.",
        "Job cannot be cancelled (not in queue or already processing)",
      ),
      refused(404, "Unknown id, another account's, or no UUID.", "Job not found"),
      refused(503, "The cancel could not be stored.", "The cancel could not be stored yet, try again"),
    ],
  },
  async handler(context) {
    const id = jobIdOf(context);
    const account = context.var.caller.account.id;
    const force = context.req.query("force") === "true";
    let result = await askPartition(context, (stub) => stub.cancelJob(account, id, force));
    if (result === "unknown" && (await findJob(context.env.DB, account, id)) !== null) result = "refused";
    switch (result) {
      case "cancelled":
        return context.json({ message: "Job cancelled successfully", job_id: id });
      case "unavailable":
        throw unavailable("The cancel could not be stored yet, try again", D1_RETRY_SECONDS);
      case "refused":
        throw new AppError("invalid", "Job cannot be cancelled (not in queue or already processing)");
      case "unknown":
        throw notFound();
    }
  },
};

import { AppError, unavailable } from "../../app-error.ts";
import { findJob } from "../../db/jobs.ts";
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

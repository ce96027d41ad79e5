import { Job } from "../../../shared/contract/views/job.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { jobIdOf, readJobView } from "./job-access.ts";

/** `GET /jobs/{id}` (jobs API 3.5). */
export const getJob: Endpoint = {
  operationId: "get-job",
  method: "GET",
  path: "/jobs/:id",
  summary: "Read a job",
  scope: "jobs:read",
  describe: {
    tag: "Jobs",
    id: "Id of the job",
    details: "Poll every 2 to 5 seconds, or follow the job's events.",
    answers: [
      answer(200, "The job.", Job),
      refused(404, "Unknown id, another account's, or no UUID.", "Job not found"),
    ],
  },
  async handler(context) {
    return context.json(await readJobView(context, jobIdOf(context)));
  },
};

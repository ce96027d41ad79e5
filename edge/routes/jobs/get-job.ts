import type { Endpoint } from "../endpoint.ts";
import { jobIdOf, readJobView } from "./job-access.ts";

/** `GET /jobs/{id}` (jobs API 3.5). */
export const getJob: Endpoint = {
  operationId: "get-job",
  method: "GET",
  path: "/jobs/:id",
  summary: "Read a job",
  scope: "jobs:read",
  async handler(context) {
    return context.json(await readJobView(context, jobIdOf(context)));
  },
};

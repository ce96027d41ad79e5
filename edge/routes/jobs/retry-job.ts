import { z } from "zod";
import { Storage } from "../../../shared/contract/storage.ts";
import { JobRetried, RetryReplayed } from "../../../shared/contract/views/created.ts";
import { AppError } from "../../app-error.ts";
import { CREATE_ANSWERS } from "../../openapi/create-answers.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { IDEMPOTENCY_HEADER } from "../../openapi/queries.ts";
import { INLINE_STORAGE_REFUSALS } from "../../openapi/storage-refusals.ts";
import { apiStatus } from "../../partition/states.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJsonObject } from "../http.ts";
import { endpointProblems, withoutNulls } from "../storage/storage-fields.ts";
import { entrust } from "./entrusted.ts";
import { jobIdOf, notFound, readJobSource } from "./job-access.ts";
import { parseFields } from "./job-fields.ts";
import { repeatJob } from "./new-job.ts";
import { assertRoom, type Submission, submit } from "./submit.ts";

const RetryBody = z
  .object({
    storage: Storage.optional().describe(
      "Storage of your own for the new job: that of the original is no longer held. Defaults to the account's storage",
    ),
  })
  .meta({ id: "RetryJob", description: "May be left out.", examples: [{}] });

/** `POST /jobs/{id}/retry` (jobs API 3.8): a new job with the same parameters; the original is untouched. */
export const retryJob: Endpoint = {
  operationId: "retry-job",
  method: "POST",
  path: "/jobs/:id/retry",
  summary: "Retry a job that did not complete",
  scope: "jobs:write",
  describe: {
    tag: "Jobs",
    id: "Id of the job",
    details: "A new job with the same parameters, outside the old batch. The original is untouched.",
    headers: IDEMPOTENCY_HEADER,
    body: { schema: RetryBody, required: false },
    answers: [
      answer(201, "Created.", JobRetried),
      answer(200, "The first answer of the idempotency key again.", RetryReplayed),
      refused(400, "Neither `Failed` nor `Warning` nor `Skipped`.", "Only failed jobs can be retried"),
      ...INLINE_STORAGE_REFUSALS,
      refused(404, "Unknown id, another account's, or no UUID.", "Job not found"),
      ...CREATE_ANSWERS,
    ],
  },
  async handler(context) {
    // No body is needed.
    const raw = await readJsonObject(context.req.raw, { optional: true });
    const fields = withoutNulls(raw);
    const { storage } = parseFields(RetryBody, fields, ["storage"], endpointProblems(raw.storage, context.env));
    const id = jobIdOf(context);
    const source = await readJobSource(context, id);
    if (source === null) throw notFound();
    const before = async () => {
      if (!["Failed", "Warning", "Skipped"].includes(apiStatus(source.row.state))) {
        throw new AppError("invalid", "Only failed jobs can be retried");
      }
    };
    const prepare = async (): Promise<Submission> => {
      if (storage !== undefined) await assertRoom(context);
      const entrusted = await entrust(context, { storage });
      const job = repeatJob(context, source.row, { now: Date.now(), entrusted });
      const answer = { job_id: job.id, original_job_id: id, message: "Job re-queued successfully" };
      return { jobs: [job], batch: null, target: entrusted.target, answer };
    };
    return submit(context, raw, prepare, { before });
  },
};

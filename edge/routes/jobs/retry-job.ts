import { z } from "zod";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { JobRetried, RetryReplayed } from "../../../shared/contract/views/created.ts";
import { AppError } from "../../app-error.ts";
import { CREATE_ANSWERS } from "../../openapi/create-answers.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { IDEMPOTENCY_HEADER } from "../../openapi/queries.ts";
import type { NewJob } from "../../partition/create.ts";
import { apiStatus } from "../../partition/states.ts";
import { MANAGED_TARGET } from "../../partition/uploads.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJsonObject } from "../http.ts";
import { requestOrigin } from "../origin.ts";
import { jobIdOf, notFound, readJobSource } from "./job-access.ts";
import { mintId, traceparentOf } from "./new-job.ts";
import { submit } from "./submit.ts";

/** No field is taken yet: inline storage is refused. */
const RetryBody = z.object({}).meta({ id: "RetryJob", description: "May be left out.", examples: [] });

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
      refused(404, "Unknown id, another account's, or no UUID.", "Job not found"),
      ...CREATE_ANSWERS,
    ],
  },
  async handler(context) {
    // No body is needed.
    const raw = await readJsonObject(context.req.raw, { optional: true });
    if ("storage" in raw) {
      throw new AppError("invalid", "storage is not supported on this server", { field: "storage" });
    }
    const id = jobIdOf(context);
    return submit(context, raw, async () => {
      const source = await readJobSource(context, id);
      if (source === null) throw notFound();
      const { row } = source;
      if (!["Failed", "Warning", "Skipped"].includes(apiStatus(row.state))) {
        throw new AppError("invalid", "Only failed jobs can be retried");
      }
      const now = Date.now();
      const { caller } = context.var;
      const options = JSON.parse(row.options) as JobOptions;
      const job: NewJob = {
        id: mintId(now),
        account_id: caller.account.id,
        key_id: caller.keyId,
        surface: row.surface,
        url: row.url,
        options: JSON.stringify(options),
        folder: row.folder,
        filename: row.filename,
        webhook_url: row.webhook_url,
        // The new job is outside the old batch.
        batch_id: null,
        batch_index: null,
        priority: row.priority,
        tags: row.tags,
        metadata: row.metadata,
        sealed: null,
        target_id: MANAGED_TARGET,
        idempotency_key: null,
        idempotency_fingerprint: null,
        source_host: row.source_host,
        traceparent: traceparentOf(context),
        origin: requestOrigin(context.req.raw, context.env),
        created_at: now,
        held: false,
      };
      return {
        jobs: [job],
        batch: null,
        answer: { job_id: job.id, original_job_id: id, message: "Job re-queued successfully" },
      };
    });
  },
};

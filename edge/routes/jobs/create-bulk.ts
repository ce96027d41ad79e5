import { z } from "zod";
import { CLIP_RULE, clipIsForward, Filename, JobFields } from "../../../shared/contract/create-job.ts";
import { BulkCreated, BulkReplayed } from "../../../shared/contract/views/created.ts";
import { EXAMPLE_URL } from "../../../shared/contract/views/fields.ts";
import type { FieldError } from "../../app-error.ts";
import { CREATE_ANSWERS } from "../../openapi/create-answers.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { OPTION_REFUSALS } from "../../openapi/field-refusals.ts";
import { IDEMPOTENCY_HEADER } from "../../openapi/queries.ts";
import type { NewBatch } from "../../partition/batches.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJsonObject } from "../http.ts";
import { parseFields, urlProblems } from "./job-fields.ts";
import { mintId, newJob } from "./new-job.ts";
import { submit } from "./submit.ts";

const MAX_ITEMS = 100;

const Items = z
  .array(
    z.object({
      url: z.string().describe("As `url` of a single job"),
      filename: Filename.nullish().describe("As `filename` of a single job"),
    }),
  )
  .min(1, { error: "jobs must contain at least 1 item" })
  .max(MAX_ITEMS, { error: `Maximum ${MAX_ITEMS} jobs per bulk request` })
  .describe("One job each");

/** The shared options of a bulk request are those of a single job, less what names one item or one receiver. */
const Shared = JobFields.omit({
  url: true,
  filename: true,
  webhook_url: true,
  enable_progress_webhook: true,
  playlist: true,
  playlist_limit: true,
  storage: true,
  // Section 4 names the options that items may share; these are not among them.
  cookies: true,
  subtitle_languages: true,
  embed_metadata: true,
  format_id: true,
});

/** Body of `POST /jobs/bulk` (jobs API 4). */
const BulkBody = z
  .object({ jobs: Items, ...Shared.shape })
  .refine(clipIsForward, CLIP_RULE)
  .meta({
    id: "CreateBulk",
    description: "Items, and the options that they share.",
    examples: [
      {
        jobs: [{ url: EXAMPLE_URL, filename: "01 - Intro" }, { url: "https://www.youtube.com/watch?v=v2" }],
        folder: "course",
        max_resolution: "720",
      },
    ],
  });

const FIELDS = Object.keys(BulkBody.shape);
/** `storage` is never taken; it stands where a single job has it. */
const TABLE = FIELDS.toSpliced(FIELDS.indexOf("paused"), 0, "storage");

/** `POST /jobs/bulk` (jobs API 4): all jobs of one batch, or none. */
export const createBulk: Endpoint = {
  operationId: "create-bulk",
  method: "POST",
  path: "/jobs/bulk",
  summary: "Create up to 100 jobs at once",
  scope: "jobs:write",
  describe: {
    tag: "Jobs",
    details:
      "All or none, as one batch of kind `bulk`. An item that is a list never expands; webhook fields are ignored.",
    headers: IDEMPOTENCY_HEADER,
    body: { schema: BulkBody, required: true },
    answers: [
      answer(201, "Created.", BulkCreated),
      answer(200, "The first answer of the idempotency key again.", BulkReplayed),
      refused(
        400,
        "A bad field.",
        { error: "jobs is required", field: "jobs" },
        { error: "jobs must contain at least 1 item", field: "jobs" },
        { error: `Maximum ${MAX_ITEMS} jobs per bulk request`, field: "jobs" },
        { error: "jobs[3].url is required", field: "jobs[3].url" },
        { error: "jobs[3].url must be a valid http or https URL", field: "jobs[3].url" },
        { error: "jobs[3].url must not point to a private address", field: "jobs[3].url" },
        { error: "Filename too long (max 255 characters)", field: "jobs[3].filename" },
        { error: "Filename contains invalid characters", field: "jobs[3].filename" },
        { error: "storage is not supported in bulk requests", field: "storage" },
        ...OPTION_REFUSALS,
      ),
      ...CREATE_ANSWERS,
    ],
  },
  async handler(context) {
    const raw = await readJsonObject(context.req.raw);
    const problems = itemProblems(raw.jobs, context.env);
    // Ignoring it would put the files in the wrong place.
    if ("storage" in raw) problems.push({ field: "storage", message: "storage is not supported in bulk requests" });
    const body = parseFields(BulkBody, raw, TABLE, problems);
    return submit(context, raw, async () => {
      const now = Date.now();
      const { jobs: items, ...shared } = body;
      const held = shared.paused ?? false;
      const id = mintId(now);
      const jobs = items.map((item, index) =>
        newJob(
          context,
          // An item that is a list never expands.
          { ...shared, playlist: "never" },
          { url: item.url, filename: item.filename ?? null },
          { now, batch: { id, index, held }, surface: "jobs" },
        ),
      );
      const batch: NewBatch = {
        id,
        account_id: context.var.caller.account.id,
        kind: "bulk",
        source_url: null,
        folder: shared.folder ?? null,
        parent_job_id: null,
        webhook_url: null,
        created_at: now,
        paused: held,
        truncated: false,
        total: jobs.length,
      };
      const ids = jobs.map((job) => job.id);
      return { jobs, batch, answer: { batch_id: id, total_jobs: ids.length, job_ids: ids, paused: held } };
    });
  },
};

function itemProblems(jobs: unknown, env: Parameters<typeof urlProblems>[2]): FieldError[] {
  if (!Array.isArray(jobs) || jobs.length > MAX_ITEMS) return [];
  return jobs.flatMap((item: unknown, index) => {
    const url = typeof item === "object" && item !== null && "url" in item ? item.url : undefined;
    return urlProblems(`jobs[${index}].url`, url, env);
  });
}

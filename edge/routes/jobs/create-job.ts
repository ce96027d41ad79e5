import { CreateJobBody } from "../../../shared/contract/create-job.ts";
import {
  JobCreated,
  JobReplayed,
  PlaylistCreated,
  PlaylistReplayed,
  ShowCreated,
  ShowReplayed,
} from "../../../shared/contract/views/created.ts";
import type { FieldError } from "../../app-error.ts";
import { CALL_ANSWERS } from "../../openapi/call-answers.ts";
import { CREATE_ANSWERS } from "../../openapi/create-answers.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { SINGLE_REFUSALS } from "../../openapi/field-refusals.ts";
import { IDEMPOTENCY_HEADER } from "../../openapi/queries.ts";
import { INLINE_STORAGE_REFUSALS } from "../../openapi/storage-refusals.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJsonObject } from "../http.ts";
import { endpointProblems, withoutNulls } from "../storage/storage-fields.ts";
import { entrust } from "./entrusted.ts";
import { expandList, listKind } from "./expand-list.ts";
import { parseFields, urlProblems, webhookProblems } from "./job-fields.ts";
import { newJob } from "./new-job.ts";
import { assertRoom, submit } from "./submit.ts";

const TABLE = Object.keys(CreateJobBody.shape);

/** `POST /jobs` (jobs API 3.1–3.4): one URL becomes one job, or a batch if it is known to be a list. */
export const createJob: Endpoint = {
  operationId: "create-job",
  method: "POST",
  path: "/jobs",
  summary: "Create a download job",
  scope: "jobs:write",
  describe: {
    tag: "Jobs",
    details:
      "One URL becomes one job; a Spotify show or a YouTube list becomes a batch, listed by a worker node while you wait. " +
      "Combinations that cannot be are corrected, never refused; the effective values are echoed by the job.",
    headers: IDEMPOTENCY_HEADER,
    body: { schema: CreateJobBody, required: true },
    answers: [
      answer(201, "Created.", JobCreated),
      answer(201, "A show was expanded.", ShowCreated),
      answer(201, "A playlist was expanded.", PlaylistCreated),
      answer(200, "The first answer of the idempotency key again.", JobReplayed),
      answer(200, "For a show.", ShowReplayed),
      answer(200, "For a playlist.", PlaylistReplayed),
      refused(400, "A bad field.", ...SINGLE_REFUSALS, {
        error: "Playlist has no downloadable items",
        field: "url",
      }),
      ...INLINE_STORAGE_REFUSALS,
      ...CREATE_ANSWERS,
      ...CALL_ANSWERS,
    ],
  },
  async handler(context) {
    const raw = await readJsonObject(context.req.raw);
    const extra: FieldError[] = [
      ...urlProblems("url", raw.url, context.env),
      ...webhookProblems(raw.webhook_url, context.env),
      ...endpointProblems(raw.storage, context.env),
    ];
    const body = parseFields(CreateJobBody, withoutNulls(raw), TABLE, extra);
    return submit(context, raw, async () => {
      const { url, filename, storage, ...template } = body;
      const kind = listKind(body);
      if (storage !== undefined || kind !== null) await assertRoom(context);
      const entrusted = await entrust(context, { storage, cookies: body.cookies });
      if (kind !== null) return expandList(context, { url, template, kind, entrusted });
      const place = { now: Date.now(), batch: null, surface: "jobs", entrusted };
      const job = newJob(context, template, { url, filename: filename ?? null }, place);
      return { jobs: [job], batch: null, target: entrusted.target, answer: { job_id: job.id } };
    });
  },
};

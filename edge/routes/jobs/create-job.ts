import { CreateJobBody } from "../../../shared/contract/create-job.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { normaliseOptions } from "../../../shared/normalise-options.ts";
import { checkUrl } from "../../../shared/url-guard.ts";
import { AppError, type FieldError, unavailable } from "../../app-error.ts";
import type { Env } from "../../env.ts";
import type { NewJob } from "../../partition/create.ts";
import { MANAGED_TARGET } from "../../partition/uploads.ts";
import type { Endpoint } from "../endpoint.ts";
import { type AppContext, invalidFields, parseBody, readJsonObject } from "../http.ts";
import { requestOrigin } from "../origin.ts";
import { askPartition } from "./job-access.ts";

const QUEUE_FULL_RETRY_SECONDS = 30;
const D1_RETRY_SECONDS = 5;
const MAX_WEBHOOK_URL_LENGTH = 2_048;

/** `POST /jobs` (jobs API 3.1–3.3): one URL becomes one job. */
export const createJob: Endpoint = {
  operationId: "create-job",
  method: "POST",
  path: "/jobs",
  summary: "Create a download job",
  scope: "jobs:write",
  async handler(context) {
    const body = parseCreate(await readJsonObject(context.req.raw), context.env);
    const job = newJob(context, body);
    const { account } = context.var.caller;
    const { name: _, ...facts } = account;
    const result = await askPartition(context, (stub) => stub.createJobs(facts, [job]));
    if (result === "full") throw unavailable("Queue is full", QUEUE_FULL_RETRY_SECONDS);
    if (result === "unavailable") throw unavailable("The job could not be stored yet, try again", D1_RETRY_SECONDS);
    return context.json({ job_id: job.id }, 201);
  },
};

/** Field rules and URL guard together, so that `details` lists all bad fields in the order of the table. */
function parseCreate(raw: Record<string, unknown>, env: Env): CreateJobBody {
  const problems: FieldError[] = [];
  if (typeof raw.url === "string") problems.push(...urlProblems("url", raw.url, env));
  let body: CreateJobBody | null = null;
  try {
    body = parseBody(CreateJobBody, raw);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push(...(error.extras.details ?? []));
  }
  if (typeof raw.webhook_url === "string") {
    const own = webhookProblems(raw.webhook_url, env);
    const later = problems.findIndex((problem) => AFTER_WEBHOOK.has(problem.field));
    problems.splice(later === -1 ? problems.length : later, 0, ...own);
  }
  if ("storage" in raw) problems.push({ field: "storage", message: "storage is not supported on this server" });
  if (problems.length > 0 || body === null) throw invalidFields(problems);
  return body;
}

const FIELDS = Object.keys(CreateJobBody.shape);
const AFTER_WEBHOOK = new Set(FIELDS.slice(FIELDS.indexOf("webhook_url") + 1));

function urlProblems(field: string, text: string, env: Env): FieldError[] {
  const verdict = checkUrl(text, urlPolicy(env));
  if (verdict.ok) return [];
  const message =
    verdict.reason === "private"
      ? `${field} must not point to a private address`
      : `${field} must be a valid http or https URL`;
  return [{ field, message }];
}

function webhookProblems(text: string, env: Env): FieldError[] {
  const field = "webhook_url";
  if (text.length > MAX_WEBHOOK_URL_LENGTH) return [{ field, message: `${field} must be a valid http or https URL` }];
  const problems = urlProblems(field, text, env);
  if (problems.length > 0) return problems;
  const url = new URL(text);
  return url.username !== "" || url.password !== ""
    ? [{ field, message: "webhook_url must not contain credentials" }]
    : [];
}

function urlPolicy(env: Env) {
  const allowHosts = (env.TRAWL_ALLOW_HOSTS ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
  return { allowPrivate: env.TRAWL_ALLOW_PRIVATE === "1", allowHosts };
}

/** The id is minted here, before the partition is asked: our own repeat after a lost answer inserts nothing twice. */
function newJob(context: AppContext, body: CreateJobBody): NewJob {
  const { caller } = context.var;
  const now = Date.now();
  const { url, filename, folder, webhook_url, paused: _, priority, tags, metadata, ...asked } = body;
  return {
    id: uuidv7(now, crypto.getRandomValues(new Uint8Array(10))),
    account_id: caller.account.id,
    key_id: caller.keyId,
    surface: "jobs",
    url,
    options: JSON.stringify(normaliseOptions(asked, caller.maxResolution)),
    folder: folder ?? null,
    // A blank name is an omitted one.
    filename: filename === undefined || filename.trim() === "" ? null : filename,
    webhook_url: webhook_url ?? null,
    batch_id: null,
    batch_index: null,
    priority: priority ?? 0,
    tags: JSON.stringify(tags ?? []),
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    sealed: null,
    target_id: MANAGED_TARGET,
    idempotency_key: null,
    idempotency_fingerprint: null,
    source_host: new URL(url).host,
    traceparent: context.req.header("traceparent") ?? null,
    origin: requestOrigin(context.req.raw, context.env),
    created_at: now,
    held: false,
  };
}

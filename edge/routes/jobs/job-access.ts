/** Ways from a request to a job: the account's partition first, D1 second (DESIGN section 2). */
import { isUuid } from "../../../shared/ids.ts";
import { AppError, starting } from "../../app-error.ts";
import type { Caller } from "../../auth/authenticate.ts";
import { NO_WEBHOOK, type WebhookStatus, webhookStatus } from "../../db/deliveries.ts";
import { firstChild } from "../../db/first-child.ts";
import { findJob } from "../../db/jobs.ts";
import type { Env } from "../../env.ts";
import { errorText, makeLog } from "../../log.ts";
import type { AccountFacts } from "../../partition/create.ts";
import type { KeyFacts } from "../../partition/keys.ts";
import type { Partition } from "../../partition/partition.ts";
import { fileUrls } from "../files/file-urls.ts";
import type { AppContext } from "../http.ts";
import { filesOrigin, requestOrigin } from "../origin.ts";
import { type JobSource, jobView } from "./job-view.ts";

export function partitionStub(env: Env, name: string): DurableObjectStub<Partition> {
  return env.PARTITION.getByName(name);
}

/** Calls the caller's partition, as {@link callPartition}. */
export function askPartition<Result>(
  context: AppContext,
  call: (stub: DurableObjectStub<Partition>) => Promise<Result>,
): Promise<Result> {
  return callPartition(context.env, context.var.caller.partition, call);
}

/**
 * Calls a partition. A failure of the call itself is a 503: nothing was acknowledged, and a repeat is safe, because ids
 * were minted before and every command is idempotent.
 */
export async function callPartition<Result>(
  env: Env,
  partition: string,
  call: (stub: DurableObjectStub<Partition>) => Promise<Result>,
): Promise<Result> {
  try {
    return await call(partitionStub(env, partition));
  } catch (error) {
    makeLog(env)("warn", "partition.call_failed", { partition, error: errorText(error) });
    throw starting();
  }
}

/** What the account brings into its partition along with a request. */
export function accountFacts(context: AppContext): AccountFacts {
  return callerFacts(context.var.caller);
}

export function callerFacts(caller: Caller): AccountFacts {
  const { name: _, ...facts } = caller.account;
  return facts;
}

/** What its key brings. */
export function keyFacts(context: AppContext): KeyFacts {
  const { keyId, keyLimits } = context.var.caller;
  return { id: keyId, limits: keyLimits };
}

export function notFound(): AppError {
  return new AppError("not_found", "Job not found");
}

/** The id of the path; what cannot be an id is unknown. */
export function jobIdOf(context: AppContext): string {
  const id = (context.req.param("id") ?? "").toLowerCase();
  if (!isUuid(id)) throw notFound();
  return id;
}

export async function readJobSource(context: AppContext, id: string): Promise<JobSource | null> {
  const account = context.var.caller.account.id;
  const live = await askPartition(context, (stub) => stub.readJob(account, id));
  const found = live === null ? await findJob(context.env.DB, account, id) : (live as JobSource);
  if (found === null) return null;
  const source: JobSource = { eta_seconds: null, speed_bytes_per_second: null, ...found };
  const { role, state, batch_id: batchId } = source.row;
  if (role !== "parent" || state !== "completed" || batchId === null) return source;
  // A parent's files are its first child's, read through (jobs API 3.4).
  const child = await firstChild(context.env.DB, account, batchId);
  const files = child === null ? [] : ((await readJobSource(context, child))?.files ?? []);
  return { ...source, files };
}

/** The body of `GET /jobs/{id}`. */
export async function readJobView(context: AppContext, id: string) {
  const source = await readJobSource(context, id);
  if (source === null) throw notFound();
  const urlOf = fileUrls(context.env, filesOrigin(context.env, requestOrigin(context.req.raw, context.env)));
  return jobView({ ...source, webhook: await webhookOf(context, source) }, urlOf);
}

/** How the outcome's webhook fares. A cancelled job sends none (jobs API 3.7). */
async function webhookOf(context: AppContext, { row }: JobSource): Promise<WebhookStatus> {
  if (row.webhook_url === null || row.state === "cancelled") return NO_WEBHOOK;
  return webhookStatus(context.env.DB, row.account_id, row.id);
}

/** Ways from a request to a job: the account's partition first, D1 second (DESIGN section 2). */
import { isUuid } from "../../../shared/ids.ts";
import { AppError, unavailable } from "../../app-error.ts";
import { signerOf } from "../../auth/signing.ts";
import { findJob } from "../../db/jobs.ts";
import type { Env } from "../../env.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { Partition } from "../../partition/partition.ts";
import { signFileUrl } from "../files/file-url.ts";
import type { AppContext } from "../http.ts";
import { filesOrigin, requestOrigin } from "../origin.ts";
import { type JobSource, jobView } from "./job-view.ts";

/** Seconds until a repeat makes sense when a partition is being opened. */
const REBUILDING_RETRY_SECONDS = 2;

export function partitionStub(env: Env, name: string): DurableObjectStub<Partition> {
  return env.PARTITION.getByName(name);
}

/**
 * Calls a partition. A failure of the call itself is a 503: nothing was acknowledged, and a repeat is safe, because ids
 * were minted before and every command is idempotent.
 */
export async function askPartition<Result>(
  context: AppContext,
  call: (stub: DurableObjectStub<Partition>) => Promise<Result>,
): Promise<Result> {
  try {
    return await call(partitionStub(context.env, context.var.caller.partition));
  } catch (error) {
    console.log(JSON.stringify({ level: "warn", event: "partition.call_failed", error: String(error).slice(0, 200) }));
    throw unavailable("Service is starting, try again", REBUILDING_RETRY_SECONDS);
  }
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
  if (live !== null) return live as JobSource;
  const stored = await findJob(context.env.DB, account, id);
  return stored === null ? null : { ...stored, eta_seconds: null, speed_bytes_per_second: null };
}

/** The body of `GET /jobs/{id}`. */
export async function readJobView(context: AppContext, id: string) {
  const source = await readJobSource(context, id);
  if (source === null) throw notFound();
  const origin = filesOrigin(context.env, requestOrigin(context.req.raw, context.env));
  const signer = signerOf(context.env);
  const now = Date.now();
  const urlOf = (file: FileRow) =>
    signFileUrl(signer, origin, { fileId: file.file_id, account: file.account_id, key: file.path }, now);
  return jobView(source, urlOf);
}

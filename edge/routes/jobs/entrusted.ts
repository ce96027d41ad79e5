/** What a client entrusts to the jobs of one request, before the partition has it: sealed, and where their files go. */
import type { Storage } from "../../../shared/contract/storage.ts";
import { unavailable } from "../../app-error.ts";
import { sealJobSecrets } from "../../auth/job-secrets.ts";
import { secretBoxOf } from "../../auth/secret-box.ts";
import type { TargetRow } from "../../partition/targets.ts";
import { placeOf } from "../../storage/storage-place.ts";
import type { AppContext } from "../http.ts";
import { probe, probeRefused } from "../storage/probe.ts";
import { mintId } from "./new-job.ts";

const SEAL_RETRY_SECONDS = 5;

export interface Entrusted {
  /** For each job's row; null: nothing secret. */
  sealed: string | null;
  /** Null: the account's storage. */
  target: TargetRow | null;
}

/** What a request may bring along that no row keeps in clear. */
export interface Secrets {
  storage?: Storage | undefined;
  cookies?: string | undefined;
}

/**
 * Probes inline storage, and seals it and the cookies to the request's jobs (jobs API 3.1, 9.2).
 *
 * @throws AppError 400 with the provider's code
 */
export async function entrust(context: AppContext, { storage, cookies }: Secrets): Promise<Entrusted> {
  if (storage === undefined && cookies === undefined) return { sealed: null, target: null };
  const target = storage === undefined ? null : await probedTarget(context, storage);
  const { account } = context.var.caller;
  const secrets = { ...(storage === undefined ? {} : { storage }), ...(cookies === undefined ? {} : { cookies }) };
  try {
    return { sealed: await sealJobSecrets(secretBoxOf(context.env), account.id, secrets), target };
  } catch {
    throw unavailable("The job could not be stored yet, try again", SEAL_RETRY_SECONDS);
  }
}

async function probedTarget(context: AppContext, storage: Storage): Promise<TargetRow> {
  const failed = await probe(context.env, storage);
  if (failed !== null) throw probeRefused(storage, failed, "storage");
  return { id: mintId(Date.now()), ...placeOf(storage), sealed: null };
}

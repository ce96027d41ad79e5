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

/**
 * Probes inline storage and seals it to the request's jobs (jobs API 9.2).
 *
 * @throws AppError 400 with the provider's code
 */
export async function entrust(context: AppContext, storage: Storage | undefined): Promise<Entrusted> {
  if (storage === undefined) return { sealed: null, target: null };
  const failed = await probe(context.env, storage);
  if (failed !== null) throw probeRefused(failed, "storage");
  const { account } = context.var.caller;
  const sealed = await sealJobSecrets(secretBoxOf(context.env), account.id, { storage }).catch(() => {
    throw unavailable("The job could not be stored yet, try again", SEAL_RETRY_SECONDS);
  });
  return {
    sealed,
    target: { id: mintId(Date.now()), ...placeOf(storage), sealed: null },
  };
}

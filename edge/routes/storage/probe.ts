/** Storage is tried before it is believed in (jobs API 9.2): a small object is written and removed. */
import type { Storage } from "../../../shared/contract/storage.ts";
import { AppError } from "../../app-error.ts";
import type { Env } from "../../env.ts";
import { adviceFor } from "../../storage/advice.ts";
import { openStore } from "../../storage/open-store.ts";
import type { VerifyResult } from "../../storage/port.ts";
import { placeOf, prefixed } from "../../storage/storage-place.ts";

const PROBE_NAME = "verify_credentials.txt";
const PROBE_TIMEOUT_MS = 15_000;

export type ProbeProblem = Extract<VerifyResult, { ok: false }>;

/** @returns null when all is well */
export async function probe(env: Env, storage: Storage): Promise<ProbeProblem | null> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  // Below the prefix: credentials may be good for nothing else.
  const result = await openStore(storage, env).verify({ key: prefixed(placeOf(storage), PROBE_NAME), signal });
  return result.ok ? null : result;
}

/**
 * The code, and in `details` what can be done about it.
 *
 * @param field where it was inline
 */
export function probeRefused(storage: Storage, { code, told }: ProbeProblem, field?: string): AppError {
  const advice = adviceFor(storage, code, told);
  const prefix = field === undefined ? "" : `${field}.`;
  return new AppError("invalid", `Credential validation failed: ${code}`, {
    ...(field === undefined ? {} : { field }),
    ...(advice === null ? {} : { details: [{ field: prefix + advice.field, message: advice.message }] }),
  });
}

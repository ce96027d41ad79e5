/** The rate bucket of a key, kept by its account's partition (jobs API 1.3). */
import { RATE_PER_SECOND } from "../../shared/limits.ts";
import { AppError } from "../app-error.ts";
import { type Caller, invalidKey } from "../auth/authenticate.ts";
import { envNumber } from "../env.ts";
import type { AppContext } from "./http.ts";
import { callPartition } from "./jobs/job-access.ts";

export interface Admission {
  /** False: revocation counts, the bucket does not. Defaults to true. */
  metered?: boolean;
}

/**
 * Takes one token of the caller's bucket, and lets the answer say what is left.
 *
 * @throws AppError 429, and 401 for a key that was revoked within the seconds for which this Worker remembers it.
 */
export async function admit(context: AppContext, caller: Caller, { metered = true }: Admission = {}): Promise<void> {
  const own = caller.limits.rate_per_second ?? envNumber(context.env.TRAWL_RATE, RATE_PER_SECOND);
  const rate = metered ? own : 0;
  const state = await callPartition(context.env, caller.partition, async (stub) => stub.admit(caller.keyId, rate));
  if (state === null) return;
  if (state === "revoked") throw invalidKey();
  // Set by the outermost middleware, so that errors carry them too.
  context.set("rateHeaders", {
    "RateLimit-Policy": `"default";q=${state.burst};w=${state.windowSeconds}`,
    RateLimit: `"default";r=${state.tokensLeft};t=${state.secondsUntilFull}`,
  });
  if (!state.allowed) {
    throw new AppError("rate_limited", "Too many requests", {
      headers: { "Retry-After": String(state.retryAfterSeconds) },
    });
  }
}

/** How long a live recording may become (jobs API 3.1): the edge sets the attempt's deadline by it, the node ends by it. */
import type { JobOptions } from "./contract/options.ts";
import { LIVE_CAP_SECONDS } from "./limits.ts";

/**
 * Seconds: what was asked for, or the default, within the account's `max_duration_seconds` where it has one.
 *
 * @example liveCapSeconds({ max_duration: null }, 3_600) // 3600
 */
export function liveCapSeconds(options: Pick<JobOptions, "max_duration">, limitSeconds: number | null): number {
  return Math.min(options.max_duration ?? LIVE_CAP_SECONDS, limitSeconds ?? Number.POSITIVE_INFINITY);
}

/** When a webhook is tried again (jobs API 8.2). */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Delay before each try, counted from the end of the one before. Eight tries, about 17 hours in all. */
export const LADDER_MS = [
  0,
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  HOUR_MS,
  4 * HOUR_MS,
  12 * HOUR_MS,
] as const;

/** Each delay is stretched or shortened by up to this share, so that a receiver that comes back is not hit at once. */
const LADDER_JITTER = 0.2;

/**
 * Milliseconds until the next try after `tries` of them, or null when the ladder has ended.
 *
 * @param random uniform in [0, 1)
 * @example ladderDelay(1, () => 0.5) // 5000
 */
export function ladderDelay(tries: number, random: () => number): number | null {
  const delay = LADDER_MS[tries];
  return delay === undefined ? null : Math.round(delay * (1 + LADDER_JITTER * (2 * random() - 1)));
}

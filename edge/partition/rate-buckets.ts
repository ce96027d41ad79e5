/** Token buckets, one a key (jobs API 1.3): in memory, because forgetting one only means a full bucket. */

export interface RateState {
  allowed: boolean;
  burst: number;
  /** Seconds in which an empty bucket fills. */
  windowSeconds: number;
  tokensLeft: number;
  secondsUntilFull: number;
  retryAfterSeconds: number;
}

/** The burst is twice the rate. */
const BURST_FACTOR = 2;
const MAX_BUCKETS = 100_000;

export class RateBuckets {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  take(key: string, ratePerSecond: number, now: number): RateState {
    const burst = Math.max(1, ratePerSecond * BURST_FACTOR);
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * ratePerSecond);
    const allowed = tokens >= 1;
    const left = allowed ? tokens - 1 : tokens;
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
    this.#buckets.set(key, { tokens: left, at: now });
    return {
      allowed,
      burst,
      windowSeconds: Math.ceil(burst / ratePerSecond),
      tokensLeft: Math.floor(left),
      secondsUntilFull: Math.ceil((burst - left) / ratePerSecond),
      retryAfterSeconds: Math.max(1, Math.ceil((1 - left) / ratePerSecond)),
    };
  }
}

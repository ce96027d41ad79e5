/** The node's one backoff: full jitter, doubling, scaled with the lease TTL like all its intervals. */
import { LEASE_TTL_MS } from "../../shared/limits.ts";

/** First wait after a lost connection: a restart of the edge closes every socket in the same second. */
const FIRST_MS = 5_000;
const LONGEST_MS = 60_000;
/** A single call that failed is repeated sooner than a connection is rebuilt. */
const CALL_FIRST_MS = 250;
const CALL_LONGEST_MS = 10_000;

export function reconnectDelay(failures: number, leaseTtlMs: number, random: () => number = Math.random): number {
  const scale = leaseTtlMs / LEASE_TTL_MS;
  return Math.floor(random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1)) * scale);
}

export function callDelay(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(CALL_LONGEST_MS, CALL_FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.floor(ceiling * (0.5 + random() / 2));
}

/** What is waited for, or a rejection with the signal's reason, whichever comes first. */
export async function orAbort<Value>(waited: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([waited, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Waits, or rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

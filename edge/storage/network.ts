/** The part of the platform that an adapter uses, and how long it waits for it. */
import { StoreError } from "./store-error.ts";

export interface StoreNetwork {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Unix time, milliseconds. */
  now(): number;
  /** The URL guard, under the operator's policy: asked again at every request, as the policy may have changed. */
  accepts(url: string): boolean;
}

/** One short request. A node waits 20 s for an answer of ours, behind which there may be a look and two begins. */
const CALL_TIMEOUT_MS = 5_000;
/** A probe ends by its caller's signal; this only bounds a caller that has none. */
export const VERIFY_TIMEOUT_MS = 60_000;
/** A server may take minutes to join thousands of parts. */
export const COMPLETE_TIMEOUT_MS = 120_000;
/** An answer that is no object is read no further. */
export const MAX_ANSWER_CHARACTERS = 65_536;

export interface Bounds {
  /** Defaults to 5 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** @throws StoreError and nothing else: `timeout`, `unreachable`, or what the work threw of its kind */
export async function bounded<T>(bounds: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), bounds.timeoutMs ?? CALL_TIMEOUT_MS);
  const signal = bounds.signal === undefined ? timeout.signal : AbortSignal.any([bounds.signal, timeout.signal]);
  try {
    return await work(signal);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    // The runtime's words may name addresses; ours are few.
    throw new StoreError(signal.aborted ? "timeout" : "unreachable", "unavailable");
  } finally {
    clearTimeout(timer);
  }
}

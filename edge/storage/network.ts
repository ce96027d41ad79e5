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
const MAX_ANSWER_CHARACTERS = 65_536;

/**
 * The answer's text, at most so much of it. What is beyond is not even taken: an answer may never end, and whoever collects it
 * first and cuts it then runs out of memory with all that it carries.
 */
export async function readText(response: Response, maxCharacters = MAX_ANSWER_CHARACTERS): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < maxCharacters) {
      const chunk = await reader.read();
      if (chunk.done) return (text + decoder.decode()).slice(0, maxCharacters);
      text += decoder.decode(chunk.value, { stream: true });
    }
    return text.slice(0, maxCharacters);
  } finally {
    reader.cancel().catch(() => {});
  }
}

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

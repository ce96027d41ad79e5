/** One request of the recorder: whole answers in memory, under a cap, cut when nothing moves. */
import type { GuardedFetch } from "../../egress/fetch.ts";
import { EgressError } from "../../egress/policy.ts";
import type { ByteRange } from "./playlist.ts";

/**
 * Why there is no answer: `gone`: the site says no, and another try of the same address rarely helps; `later`: it may
 * help; `blocked`: our own guard says no.
 */
export class LiveRequestError extends Error {
  override readonly name = "LiveRequestError";
  readonly kind: "gone" | "later" | "blocked";
  /** The site's own wish, milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(kind: "gone" | "later" | "blocked", message: string, retryAfterMs: number | null = null) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface LiveAnswer {
  bytes: Buffer;
  /** After redirects: what relative addresses count from. */
  url: string;
}

export interface LiveHttp {
  /** @throws LiveRequestError, or the signal's reason */
  get(url: string, wish: { range?: ByteRange | null; maxBytes: number; signal: AbortSignal }): Promise<LiveAnswer>;
}

/** Statuses that pass: too early, too many, and everything of the server's own making. */
const LATER = new Set([408, 421, 425, 429]);
const MAX_RETRY_AFTER_MS = 10_000;

export function liveHttp(
  guarded: Pick<GuardedFetch, "fetch">,
  headers: Record<string, string>,
  idleMs: number,
): LiveHttp {
  return {
    async get(url, { range = null, maxBytes, signal }) {
      const idle = new AbortController();
      const silent = () => idle.abort(new LiveRequestError("later", "the connection fell silent"));
      let timer = setTimeout(silent, idleMs);
      try {
        const response = await guarded.fetch(url, {
          headers: range === null ? headers : { ...headers, range: rangeHeader(range), "accept-encoding": "identity" },
          signal: AbortSignal.any([signal, idle.signal]),
        });
        if (!response.ok) {
          await response.body?.cancel();
          throw refusal(response.status, response.headers.get("retry-after"));
        }
        const chunks: Uint8Array[] = [];
        let size = 0;
        // A server that knows no ranges sends the whole file: what is asked for is cut out of it.
        const whole = range !== null && response.status === 200;
        const limit = whole ? maxBytes + range.start : maxBytes;
        for await (const chunk of response.body ?? []) {
          clearTimeout(timer);
          timer = setTimeout(silent, idleMs);
          size += chunk.length;
          if (size > limit) throw new LiveRequestError("gone", "the answer is too large");
          chunks.push(chunk);
        }
        if (size === 0) throw new LiveRequestError("gone", "the answer is empty");
        const bytes = Buffer.concat(chunks);
        return {
          bytes: whole ? bytes.subarray(range.start, range.start + range.length) : bytes,
          url: response.url || url,
        };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw toRequestError(idle.signal.aborted ? idle.signal.reason : error);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function rangeHeader(range: ByteRange): string {
  return `bytes=${range.start}-${range.start + range.length - 1}`;
}

function refusal(status: number, retryAfter: string | null): LiveRequestError {
  const seconds = Number(retryAfter);
  const wait = retryAfter !== null && seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : null;
  return new LiveRequestError(status >= 500 || LATER.has(status) ? "later" : "gone", `HTTP ${status}`, wait);
}

function toRequestError(error: unknown): LiveRequestError {
  if (error instanceof LiveRequestError) return error;
  if (error instanceof EgressError && error.refused) return new LiveRequestError("blocked", error.message);
  // Resets, closed connections, names that do not resolve for the moment: all of them pass.
  return new LiveRequestError("later", error instanceof Error ? error.message : String(error));
}

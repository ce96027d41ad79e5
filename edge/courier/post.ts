/** One POST to a stranger (jobs API 8.2): guarded, not redirected, bounded in time and in what is read. */
import { checkUrl, type UrlPolicy } from "../../shared/url-guard.ts";
import { VERSION } from "../version.ts";
import type { TryOutcome } from "./record-try.ts";

/** Only the status counts; so much of the body is taken, so that a polite receiver's connection can be used again. */
const MAX_ANSWER_BYTES = 16_384;
const MAX_ANSWER_MS = 1_000;

/** The embedded stack's egress guard puts it on answers of its own: why nobody was reached. */
const EGRESS_HEADER = "x-trawl-egress";
const EGRESS_ERRORS: Record<string, string> = {
  private: "private address",
  "own-port": "private address",
  timeout: "timeout",
};

export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface PostRules {
  policy: UrlPolicy;
  timeoutMs: number;
}

/** Never throws: whatever a receiver does is an outcome. */
export async function post(message: Post, rules: PostRules): Promise<TryOutcome> {
  const verdict = checkUrl(message.url, rules.policy);
  if (!verdict.ok) {
    return { kind: "unanswered", error: verdict.reason === "private" ? "private address" : "invalid URL" };
  }
  const began = Date.now();
  const signal = AbortSignal.timeout(rules.timeoutMs);
  try {
    const response = await fetch(verdict.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "User-Agent": `Trawl/${VERSION}`, ...message.headers },
      body: message.body,
      redirect: "manual",
      signal,
    });
    const responseTimeMs = Date.now() - began;
    await readSome(response);
    const refusal = response.headers.get(EGRESS_HEADER);
    if (refusal !== null) return { kind: "unanswered", error: EGRESS_ERRORS[refusal] ?? "unreachable" };
    return { kind: "answered", statusCode: response.status, responseTimeMs };
  } catch {
    // The runtime's words may name addresses; ours are few.
    return { kind: "unanswered", error: signal.aborted ? "timeout" : "unreachable" };
  }
}

/** Takes the answer's body up to its limits and lets go of the rest, which may never end. */
async function readSome(response: Response): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), MAX_ANSWER_MS);
  try {
    for (let bytes = 0; bytes < MAX_ANSWER_BYTES; ) {
      const chunk = await Promise.race([reader.read(), late]);
      if (chunk === null || chunk.done) break;
      bytes += chunk.value.byteLength;
    }
  } catch {
    // A body that breaks off does not undo a status.
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}

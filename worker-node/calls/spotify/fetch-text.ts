/** One bounded GET of a page, a search or a feed, through the egress guard. */
import type { Response } from "undici";
import type { GuardedFetch } from "../../egress/fetch.ts";
import { EgressError } from "../../egress/policy.ts";
import { MediaFailure } from "../../media/failure.ts";

/** Sites give a page for robots to names that they do not know; this is the least that they take for a browser. */
const USER_AGENT = "Mozilla/5.0 (compatible; Trawl)";
/** One request, its redirects and its body. The call's deadline ends it earlier. */
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_RETRY_AFTER_SECONDS = 3_600;

export interface FetchedText {
  status: number;
  /** Cut at the limit. */
  text: string;
}

/**
 * Answers with any status that the other side chose as its final word; what it may say otherwise later (429, 5xx, no
 * answer) is a failure.
 *
 * @throws MediaFailure `network`, `rate`, or `unsupported` for an address that the guard refuses.
 */
export async function fetchText(
  guarded: GuardedFetch,
  url: string,
  options: { maxBytes: number; signal: AbortSignal },
): Promise<FetchedText> {
  const within = AbortSignal.any([options.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  try {
    const response = await guarded.fetch(url, {
      signal: within,
      headers: { "user-agent": USER_AGENT, "accept-language": "en" },
    });
    refuseTrouble(response);
    return { status: response.status, text: await readText(response, options.maxBytes) };
  } catch (error) {
    if (options.signal.aborted || error instanceof MediaFailure) throw error;
    if (error instanceof EgressError && error.refused) throw new MediaFailure("unsupported");
    throw new MediaFailure("network", "A service behind the show did not answer");
  }
}

function refuseTrouble(response: Response): void {
  const { status } = response;
  if (status < 500 && status !== 429) return;
  // Cancelled, or the connection would be held until the other side ends it.
  response.body?.cancel().catch(() => {});
  const seconds = Number(response.headers.get("retry-after"));
  if (status !== 429) throw new MediaFailure("network", `A service behind the show answered ${status}`);
  throw new MediaFailure("rate", null, seconds > 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : null);
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let left = maxBytes;
  // Counted after decompression: a small answer may unpack to any size.
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return decode(Buffer.concat(chunks), response.headers.get("content-type") ?? "");
}

/** By the header, else by what an XML document says of itself, else UTF-8. */
function decode(bytes: Buffer, contentType: string): string {
  const declared = /^\s*<\?xml[^>]{0,100}encoding=["']([\w-]+)/.exec(bytes.toString("latin1", 0, 200))?.[1];
  const label = /charset="?([\w-]+)/i.exec(contentType)?.[1] ?? declared ?? "utf-8";
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    // A name that no table knows.
    return bytes.toString("utf8");
  }
}

import { type Exchange, sendText } from "../exchange.ts";
import type { Resource } from "../resource.ts";
import { sendResource } from "../send.ts";
import { reset } from "./broken.ts";

const RETRY_AFTER_SECONDS = "1";

/**
 * `/flaky/<code>/<which>/<key>/<file>`: of the requests with this key, `<which>` answer `<code>` with Retry-After.
 * `/flaky/reset/<which>/<key>/<file>`: they are reset half way through the file.
 *
 * `<which>` is `n` for the first n, or `a-b` for the ath to the bth. Count with care: yt-dlp asks for a direct file twice,
 * first to see what it is (an HTTP error then is final, and a reset goes unseen, since it does not read the body), then to
 * download it. To fail the download use `2-2`: yt-dlp retries it itself after a reset or a 5xx, but gives up at 429.
 */
export function flaky(exchange: Exchange, args: readonly string[], file: Resource): Promise<void> | void {
  const [fault = "", which = "", key] = args;
  // HEAD has no middle to be reset in, so it neither fails nor counts.
  const spared = fault === "reset" && exchange.req.method === "HEAD";
  if (spared || !isOneOf(which, exchange.site.visits.next(`flaky/${fault}/${key}`)))
    return sendResource(exchange, file);
  if (fault === "reset") return reset(exchange, file);
  sendText(exchange, Number(fault), "come back later", { "retry-after": RETRY_AFTER_SECONDS });
}

function isOneOf(which: string, visit: number): boolean {
  const [first, last] = which.includes("-") ? which.split("-") : ["1", which];
  return visit >= Number(first) && visit <= Number(last);
}

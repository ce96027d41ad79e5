/** A stranger's URL, fetched on a client's behalf (jobs API 1.5). */
import { checkUrl, type UrlPolicy } from "../../shared/url-guard.ts";
import { VERSION } from "../version.ts";

const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
/** The embedded stack's egress guard puts it on answers of its own. */
const EGRESS_HEADER = "x-trawl-egress";

/**
 * The answer at the end of all redirects, whatever its status; null: nobody may be asked, or nobody answered. Every hop
 * passes the URL guard; where a name leads is checked by the embedded stack's egress guard, through which this `fetch` goes.
 */
export async function fetchGuarded(text: string, policy: UrlPolicy, accept: string): Promise<Response | null> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let target = text;
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const verdict = checkUrl(target, policy);
      if (!verdict.ok) return null;
      const response = await fetch(verdict.url, {
        headers: { Accept: accept, "User-Agent": `Trawl/${VERSION}` },
        redirect: "manual",
        signal,
      });
      const location = response.headers.get("location");
      const isRedirect = response.status >= 300 && response.status <= 399 && location !== null;
      if (!isRedirect && !response.headers.has(EGRESS_HEADER)) return response;
      await response.body?.cancel();
      if (!isRedirect) return null;
      target = new URL(location, verdict.url).href;
    }
  } catch {
    // No answer, a redirect to nowhere: whose fault that is helps nobody here.
  }
  return null;
}

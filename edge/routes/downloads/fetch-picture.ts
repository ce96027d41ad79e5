/** A source's thumbnail, fetched on a client's behalf: a URL that a node took from a stranger's page (jobs API 1.5). */
import { checkUrl, type UrlPolicy } from "../../../shared/url-guard.ts";
import { VERSION } from "../../version.ts";
import { MAX_PICTURE_BYTES, pictureType, readPicture } from "./picture.ts";

const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
/** The embedded stack's egress guard puts it on answers of its own. */
const EGRESS_HEADER = "x-trawl-egress";

/**
 * The bytes of a picture; null for whatever else is there, or nothing. Every hop passes the URL guard; where a name leads
 * is checked by the embedded stack's egress guard, through which this `fetch` goes.
 */
export async function fetchPicture(text: string, policy: UrlPolicy): Promise<Uint8Array<ArrayBuffer> | null> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let target = text;
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const verdict = checkUrl(target, policy);
      if (!verdict.ok) return null;
      const response = await fetch(verdict.url, {
        headers: { Accept: "image/*", "User-Agent": `Trawl/${VERSION}` },
        redirect: "manual",
        signal,
      });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || location === null) return await takePicture(response);
      await response.body?.cancel();
      target = new URL(location, verdict.url).href;
    }
  } catch {
    // No answer, a broken body, a redirect to nowhere: there is no picture, and whose fault that is helps nobody here.
  }
  return null;
}

async function takePicture(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  const tooLong = Number(response.headers.get("content-length") ?? 0) > MAX_PICTURE_BYTES;
  if (response.status !== 200 || response.headers.has(EGRESS_HEADER) || response.body === null || tooLong) {
    await response.body?.cancel();
    return null;
  }
  const bytes = await readPicture(response.body);
  return bytes === null || pictureType(bytes) === null ? null : bytes;
}

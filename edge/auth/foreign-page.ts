/**
 * Requests that a page of another origin makes a browser send (library API 1.1 and 1.2). CORS lets pages of any origin
 * read this surface, with credentials, because clients are pages of their own; what a page has no credential for must
 * therefore not be done with one that the browser adds by itself (decision 135).
 */
import { isLoopbackName } from "./loopback.ts";

/** The page's origin is not one of ours. False where nothing says so: no browser, or its own address bar. */
function isFromForeignPage({ headers }: Request, own: readonly string[]): boolean {
  // A browser knows where a request comes from, better than a proxy lets us see our own address.
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && !own.includes(origin);
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

/**
 * Whether a browser's session may count. Other sites' pages do not get it sent along (`SameSite=Strict`); those of another
 * port or a sister host do. What their scripts would read comes with `Origin`; a picture or a link does not.
 */
export function mayUseCookie(request: Request, own: readonly string[]): boolean {
  if (!isFromForeignPage(request, own)) return true;
  return isRead(request) && request.headers.get("origin") === null;
}

/**
 * Whether Basic credentials may count. A script sends them as a header of its own, after a preflight, and cannot be told
 * from one that lets the browser add what it remembers; browsers remember them for the site in the address bar alone. What
 * is left is a form that another page sends, as a navigation: no client does that.
 */
export function mayUseBasic(request: Request, own: readonly string[]): boolean {
  if (isRead(request) || !isFromForeignPage(request, own)) return true;
  const mode = request.headers.get("sec-fetch-mode");
  if (mode !== null) return mode === "cors";
  // Over plain HTTP browsers do not say. A navigation wants a page.
  return !(request.headers.get("accept") ?? "").includes("text/html");
}

/** Whether no credential may count, where none is asked for: pages of ours, of this machine, and what is no web page. */
export function mayUseNone(request: Request, own: readonly string[]): boolean {
  const { headers } = request;
  const origin = headers.get("origin");
  if (origin !== null) return own.includes(origin) || isHarmlessOrigin(origin);
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return true;
  // Somebody follows a link: the page that it stands on reads nothing.
  if (isRead(request) && headers.get("sec-fetch-mode") === "navigate") return true;
  const referrer = headers.get("referer");
  return referrer !== null && URL.canParse(referrer) && isHarmlessOrigin(new URL(referrer).origin);
}

/** Of this machine, or of no site: an extension of the browser. `null` may be anybody. */
function isHarmlessOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return isLoopbackName(hostname) || (protocol !== "http:" && protocol !== "https:");
}

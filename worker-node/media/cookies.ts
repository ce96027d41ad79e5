/**
 * Cookies that a client entrusted to one job (jobs API 3.1), in Netscape's text form. They lie in the attempt's folder,
 * mode 0600, and go with it; yt-dlp and our own requests send each to the hosts of its domain alone.
 */
import { randomUUID } from "node:crypto";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cookie, parseCookies } from "../../shared/netscape-cookies.ts";

const FILE_NAME = "cookies.txt";
/** Python's reader of the format takes no file without its first line. */
const HEADER = "# Netscape HTTP Cookie File";

/**
 * Writes them to the folder; answers the path. Written anew from what was read, so that the one reading of the text that
 * counts is ours.
 */
export async function writeCookies(dir: string, text: string): Promise<string> {
  const path = join(dir, FILE_NAME);
  const lines = parseCookies(text).cookies.map((cookie) =>
    [
      cookie.subdomains ? `.${cookie.domain}` : cookie.domain,
      cookie.subdomains ? "TRUE" : "FALSE",
      cookie.path,
      cookie.secure ? "TRUE" : "FALSE",
      String(cookie.expires),
      cookie.name,
      cookie.value,
    ].join("\t"),
  );
  await writeFile(path, `${[HEADER, ...lines].join("\n")}\n`, { mode: 0o600 });
  return path;
}

/**
 * The same request with a copy of the cookies for one process alone: yt-dlp writes its cookies back when it ends, and
 * another one that starts at that moment would read half a file.
 */
export async function withOwnCookies<Context extends { dir: string; cookiesFile?: string | undefined }>(
  context: Context,
): Promise<Context> {
  if (context.cookiesFile === undefined) return context;
  const own = join(context.dir, `cookies-${randomUUID()}.txt`);
  await copyFile(context.cookiesFile, own);
  return { ...context, cookiesFile: own };
}

/**
 * The `Cookie` header for one request of our own; null when none of them is meant for it (RFC 6265, 5.4).
 *
 * @example const cookie = cookieHeader(parseCookies(text).cookies, "https://example.com/feed.xml");
 */
export function cookieHeader(cookies: readonly Cookie[], url: string, now = Date.now()): string | null {
  const { hostname, pathname, protocol } = new URL(url);
  const sent = cookies
    // Others could not stand in a header.
    .filter(({ name, value }) => /^[\x20-\x7e]*$/.test(name + value))
    .filter((cookie) => isFor(cookie, hostname.toLowerCase(), pathname, protocol === "https:", now))
    .toSorted((a, b) => b.path.length - a.path.length)
    .map(({ name, value }) => (name === "" ? value : `${name}=${value}`));
  return sent.length === 0 ? null : sent.join("; ");
}

function isFor(cookie: Cookie, host: string, path: string, secure: boolean, now: number): boolean {
  // Digits at the end are an address, and addresses have no subdomains.
  const below = cookie.subdomains && host.endsWith(`.${cookie.domain}`) && !/\d$/.test(host);
  if (host !== cookie.domain && !below) return false;
  if (cookie.secure && !secure) return false;
  if (cookie.expires !== 0 && cookie.expires * 1000 <= now) return false;
  return path === cookie.path || path.startsWith(cookie.path.endsWith("/") ? cookie.path : `${cookie.path}/`);
}

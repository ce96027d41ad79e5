/**
 * Cookies that a client entrusted to one job (jobs API 3.1), in Netscape's text form. They lie in the attempt's folder,
 * mode 0600, and go with it; yt-dlp and our own requests send each to the hosts of its domain alone.
 */
import { randomUUID } from "node:crypto";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cookie, parseCookies } from "../../shared/netscape-cookies.ts";
import { CookieJar } from "../fetch/cookies.ts";

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
  return new CookieJar(cookies).headerFor(new URL(url), now / 1000);
}

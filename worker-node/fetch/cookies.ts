/**
 * Cookies of a job: which of them a request may carry. From a Netscape file, which the account sent, and from what yt-dlp
 * says of a format. Each keeps to its domain, path and scheme (RFC 6265 section 5.4); none is ever stored anew.
 */
import { readFile } from "node:fs/promises";
import { type Cookie, parseCookies } from "../../shared/netscape-cookies.ts";
import { MAX_COOKIE_FILE_BYTES } from "./limits.ts";

/** A name or a value that could end its header, or cannot stand in one, is left out. */
const UNFIT = /[^\u0020-\u007e\u0080-\u00ff]|;/;

export class CookieJar {
  readonly #cookies: readonly Cookie[];

  constructor(cookies: readonly Cookie[] = []) {
    this.#cookies = cookies.filter((one) => !UNFIT.test(one.name) && !UNFIT.test(one.value));
  }

  /** Both together; of two with the same name, domain and path the other's counts. */
  with(other: CookieJar): CookieJar {
    return new CookieJar([...this.#cookies, ...other.#cookies]);
  }

  /** The `Cookie` header for this address; null when there is none. The longest path comes first. */
  headerFor(url: URL, nowSeconds: number = Date.now() / 1000): string | null {
    const found = new Map<string, Cookie>();
    for (const one of this.#cookies) {
      if (!fits(one, url, nowSeconds)) continue;
      found.set(JSON.stringify([one.name, one.domain, one.path]), one);
    }
    if (found.size === 0) return null;
    return [...found.values()]
      .sort((a, b) => b.path.length - a.path.length)
      .map((one) => (one.name === "" ? one.value : `${one.name}=${one.value}`))
      .join("; ");
  }
}

/**
 * Reads a Netscape cookie file. Lines that are none are left out; a file that is not there has no cookies.
 *
 * @example const cookies = await readCookieFile(join(dir, "cookies.txt"));
 */
export async function readCookieFile(path: string): Promise<CookieJar> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return parseCookieFile(text.slice(0, MAX_COOKIE_FILE_BYTES));
}

/** The cookies of a Netscape text, without its lines that are none. */
export function parseCookieFile(text: string): CookieJar {
  return new CookieJar(parseCookies(text).cookies);
}

/**
 * What yt-dlp says of a format: `a=1; Domain=.example.com; Path=/; Secure; Expires=1796119200; b=2; Domain=…`. A cookie
 * without a domain is left out, as yt-dlp leaves it out.
 */
export function parseScopedCookies(text: string | null): CookieJar {
  const cookies: Cookie[] = [];
  for (const part of splitOutsideQuotes(text ?? "")) {
    const [name = "", ...rest] = part.split("=");
    const value = rest.join("=");
    const last = cookies.at(-1);
    const attribute = name.trim().toLowerCase();
    if (last === undefined || !isAttribute(attribute, value)) {
      const plain = unquote(value.trim());
      cookies.push({
        name: name.trim(),
        value: plain,
        domain: "",
        subdomains: true,
        path: "/",
        secure: false,
        expires: 0,
      });
    } else if (attribute === "domain") {
      last.domain = bare(value.trim());
      last.subdomains = value.trim().startsWith(".");
    } else if (attribute === "path") last.path = value.trim();
    else if (attribute === "secure") last.secure = true;
    else if (attribute === "expires") last.expires = seconds(value.trim());
  }
  return new CookieJar(cookies.filter((one) => one.domain !== ""));
}

/** A cookie may be called `path` or `version` too; attributes of that kind follow the domain of their own cookie. */
function isAttribute(name: string, value: string): boolean {
  if (name === "secure" || name === "httponly") return value === "";
  return name === "domain" || name === "path" || name === "expires" || name === "version" || name === "max-age";
}

function splitOutsideQuotes(text: string): string[] {
  return [...text.matchAll(/(?:"(?:[^"\\]|\\.)*"|[^;"]|")+/g)]
    .map((match) => match[0].trim())
    .filter((one) => one !== "");
}

/** Python's cookie writer quotes what is not plain, with octal escapes. */
function unquote(value: string): string {
  if (!/^".*"$/.test(value)) return value;
  return value
    .slice(1, -1)
    .replace(/\\([0-3][0-7]{2})|\\(.)/g, (_, octal: string | undefined, plain: string | undefined) =>
      octal === undefined ? (plain ?? "") : String.fromCharCode(Number.parseInt(octal, 8)),
    );
}

function fits(cookie: Cookie, url: URL, nowSeconds: number): boolean {
  if (cookie.secure && url.protocol !== "https:") return false;
  if (cookie.expires !== 0 && cookie.expires <= nowSeconds) return false;
  const host = url.hostname.toLowerCase();
  const within = cookie.subdomains && !isAddress(host) && host.endsWith(`.${cookie.domain}`);
  if (host !== cookie.domain && !within) return false;
  const { path } = cookie;
  if (path === "" || path === "/" || url.pathname === path) return true;
  return url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}

/** The last label of a name is never a number (RFC 3696 section 2). */
function isAddress(host: string): boolean {
  return host.startsWith("[") || /(^|\.)\d+$/.test(host);
}

function bare(domain: string): string {
  return domain.toLowerCase().replace(/^\./, "");
}

/** 0 stands for the session. */
function seconds(text: string): number {
  const number = Number(text);
  return Number.isFinite(number) ? number : 0;
}

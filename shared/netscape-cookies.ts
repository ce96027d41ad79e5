/**
 * Netscape's cookie text, as browsers' extensions and curl write it: one cookie a line, seven fields with tabs between
 * them (domain, subdomains, path, secure, expiry, name, value).
 */

export interface Cookie {
  /** Lower case, without the leading dot. */
  domain: string;
  subdomains: boolean;
  path: string;
  secure: boolean;
  /** Seconds since the epoch; 0 for a session cookie. */
  expires: number;
  name: string;
  value: string;
}

/** 64 KiB (jobs API 3.1). */
export const MAX_COOKIES_BYTES = 65_536;
const FIELDS = 7;
const HTTP_ONLY = "#HttpOnly_";
const DOMAIN = /^\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$|^\[[0-9a-f:.]+\]$/;
/** What would end a header, or a line of the file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const CONTROL = /[\u0000-\u001f\u007f]/;

export interface ParsedCookies {
  cookies: Cookie[];
  /** Why the first bad line is none, such as `line 3 has 5 fields instead of 7`; null when all of them are good. */
  problem: string | null;
}

/** Reads the text; lines that are no cookie are left out and named. */
export function parseCookies(text: string): ParsedCookies {
  const cookies: Cookie[] = [];
  let problem: string | null = null;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const plain = line.startsWith(HTTP_ONLY) ? line.slice(HTTP_ONLY.length) : line;
    if (plain.trim() === "" || plain.startsWith("#")) continue;
    const cookie = parseLine(plain.split("\t"));
    if (typeof cookie === "string") problem ??= `line ${index + 1} ${cookie}`;
    else cookies.push(cookie);
  }
  return { cookies, problem };
}

function parseLine(fields: readonly string[]): Cookie | string {
  if (fields.length !== FIELDS) return `has ${fields.length} fields instead of ${FIELDS}`;
  const [domain = "", subdomains = "", path = "", secure = "", expires = "", name = "", value = ""] = fields;
  const host = domain.toLowerCase();
  if (!DOMAIN.test(host)) return "has no domain";
  if (!isFlag(subdomains) || !isFlag(secure)) return "has something else than TRUE or FALSE";
  if (!path.startsWith("/")) return "has no path";
  if (!/^(?:\d{1,15}(?:\.\d{1,9})?)?$/.test(expires)) return "has no expiry time";
  if (name === "" && value === "") return "has neither name nor value";
  // The file itself is the secret: what is in it is not repeated in an error.
  if (CONTROL.test(path + name + value) || name.includes(";") || value.includes(";"))
    return "has a character that no cookie may have";
  return {
    domain: host.replace(/^\./, ""),
    // The dot and the flag say the same; files in the wild do not always agree with themselves.
    subdomains: host.startsWith(".") || subdomains.toUpperCase() === "TRUE",
    path,
    secure: secure.toUpperCase() === "TRUE",
    expires: Math.floor(Number(expires)),
    name,
    value,
  };
}

function isFlag(text: string): boolean {
  return /^(?:true|false)$/i.test(text);
}

/** Options that are refused for what they say (library API 5.1). */
import { checkUrl, type UrlPolicy } from "../../../shared/url-guard.ts";

/**
 * @param values All that the option takes.
 * @returns the text of the refusal, or null.
 * @example refuseValues("--proxy", ["http://127.0.0.1/"], policy) // "Option '--proxy' must not point to a private address."
 */
export function refuseValues(name: string, values: readonly string[], policy: UrlPolicy): string | null {
  const [value = ""] = values;
  switch (name) {
    case "--compat-options": {
      const unsafe = compatOptions(value).find((each) => each === "allow-unsafe-ext" || each === "all");
      return unsafe === undefined ? null : notAllowed(`${name} ${unsafe}`);
    }
    case "--downloader":
      return NATIVE_DOWNLOADER.test(value) ? null : notAllowed(name);
    case "--parse-metadata":
      return namedFields(value).some(isKept) ? notAllowed(name) : null;
    case "--replace-in-metadata":
      return value.split(/[:,]/).some((field) => isKept(field.trim())) ? notAllowed(name) : null;
    case "--proxy":
    case "--geo-verification-proxy":
      return isPublicProxy(value, policy) ? null : privateAddress(name);
    case "--sponsorblock-api":
      return isPublicUrl(/^https?:\/\//.test(value) ? value : `https://${value}`, policy) ? null : privateAddress(name);
    default:
      return null;
  }
}

export function notAllowed(what: string): string {
  return `Option '${what}' is not allowed.`;
}

function privateAddress(name: string): string {
  return `Option '${name}' must not point to a private address.`;
}

/** `native`, for all protocols or for some. */
const NATIVE_DOWNLOADER = /^(?:\w+(?:,\w+)*:)?\s*native\s*$/i;

function compatOptions(value: string): string[] {
  return value.split(",").map((each) => each.toLowerCase().trim());
}

/** Where the file lies, and what yt-dlp keeps for itself: who writes them moves the file. */
function isKept(field: string): boolean {
  return field === "filepath" || field.startsWith("_");
}

/**
 * The fields that `[WHEN:]FROM:TO` reads or writes: a part that is a name, each name inside `%(…)s`, each named group. Rather
 * one name too many than one too few: the template language nests.
 */
function namedFields(value: string): string[] {
  const plain = value.split(":").map((part) => part.trim());
  const templates = [...value.matchAll(/%\(([^)]*)/g)].flatMap(([, inside = ""]) => inside.match(/\w+/g) ?? []);
  const groups = [...value.matchAll(/\(\?P<(\w+)/g)].map(([, name = ""]) => name);
  return [...plain.filter((part) => /^\w+$/.test(part)), ...templates, ...groups];
}

/** yt-dlp takes a proxy without a scheme for an HTTP one, and an empty one for none. */
function isPublicProxy(value: string, policy: UrlPolicy): boolean {
  if (value === "") return true;
  const [, scheme = "http", rest = value] = /^([^:/]*):\/\/(.*)$/s.exec(value) ?? [];
  if (!/^(?:https?|socks[45])$/i.test(scheme)) return false;
  // The host of an unknown scheme is not made canonical (`0x7f.1` stays); that of http is.
  return isPublicUrl(`http://${rest}`, policy);
}

/** A backslash and a space are read differently by JavaScript and Python: the host could be another one there. */
function isPublicUrl(url: string, policy: UrlPolicy): boolean {
  return !/[\\\s]/.test(url) && checkUrl(url, policy).ok;
}

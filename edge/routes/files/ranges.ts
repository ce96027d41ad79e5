/** Single byte ranges and conditions (RFC 9110 sections 13 and 14). */
import type { ByteRange } from "../../storage/port.ts";

/** What conditions are held against. Both are strong: under one URL the bytes never change. */
export interface Version {
  etag: string;
  /** Unix milliseconds; told, and compared, in whole seconds. */
  modified: number;
}

/** The forms of a date in HTTP all begin with its weekday; `Date.parse` takes much more for a date. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** 304 or 412 when a condition decides the answer, in the order of RFC 9110 section 13.2.2; null to go on. */
export function conditionalStatus(headers: Headers, { etag, modified }: Version): 304 | 412 | null {
  const match = headers.get("if-match");
  const unmodifiedSince = dateOf(headers.get("if-unmodified-since"));
  if (match === null) {
    if (unmodifiedSince !== null && inSeconds(modified) > unmodifiedSince) return 412;
  } else if (!listHas(match, etag, true)) return 412;
  const none = headers.get("if-none-match");
  if (none !== null) return listHas(none, etag, false) ? 304 : null;
  const modifiedSince = dateOf(headers.get("if-modified-since"));
  return modifiedSince !== null && inSeconds(modified) <= modifiedSince ? 304 : null;
}

function listHas(list: string, etag: string, strong: boolean): boolean {
  if (list.trim() === "*") return true;
  return list
    .split(",")
    .map((each) => each.trim())
    .some((each) => each === etag || (!strong && each === `W/${etag}`));
}

/** Unix milliseconds; null: no date, so nothing to heed. */
function dateOf(text: string | null): number | null {
  const at = text !== null && HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function inSeconds(at: number): number {
  return Math.floor(at / 1000) * 1000;
}

/**
 * The range to serve; null for the whole file: no `Range`, several ranges, another unit, a malformed one, or an `If-Range`
 * that names another version.
 */
export function parseRange(headers: Headers, size: number, version: Version): ByteRange | "unsatisfiable" | null {
  const text = headers.get("range");
  if (text === null) return null;
  const guard = headers.get("if-range");
  if (guard !== null && !isOf(guard.trim(), version)) return null;
  const match = /^bytes=(\d*)-(\d*)$/i.exec(text.trim());
  if (match === null) return null;
  const [, first = "", last = ""] = match;
  if (first === "") {
    if (last === "") return null;
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? "unsatisfiable" : { offset: size - suffix, length: suffix };
  }
  const offset = Number(first);
  if (last !== "" && Number(last) < offset) return null;
  if (offset >= size) return "unsatisfiable";
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return { offset, length: end - offset + 1 };
}

function isOf(guard: string, { etag, modified }: Version): boolean {
  return guard === etag || dateOf(guard) === inSeconds(modified);
}

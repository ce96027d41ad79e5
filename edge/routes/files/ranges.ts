/** Single byte ranges and conditions (RFC 9110 sections 13 and 14). */
import type { ByteRange } from "../../storage/port.ts";

/** 304 or 412 when a condition on the entity tag decides the answer; null to go on. */
export function conditionalStatus(headers: Headers, etag: string): 304 | 412 | null {
  const match = headers.get("if-match");
  if (match !== null && !listHas(match, etag, true)) return 412;
  const none = headers.get("if-none-match");
  if (none !== null && listHas(none, etag, false)) return 304;
  return null;
}

function listHas(list: string, etag: string, strong: boolean): boolean {
  if (list.trim() === "*") return true;
  return list
    .split(",")
    .map((each) => each.trim())
    .some((each) => each === etag || (!strong && each === `W/${etag}`));
}

/**
 * The range to serve; null for the whole file: no `Range`, several ranges, another unit, a malformed one, or an `If-Range`
 * that names another version.
 */
export function parseRange(headers: Headers, size: number, etag: string): ByteRange | "unsatisfiable" | null {
  const text = headers.get("range");
  if (text === null) return null;
  const guard = headers.get("if-range");
  if (guard !== null && guard.trim() !== etag) return null;
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

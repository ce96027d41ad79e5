/** What the head of an answer promises about the bytes behind it (RFC 9110 sections 8.8, 14, 15). Pure. */
import type { IncomingHttpHeaders } from "undici/types/header.js";

/** By what two answers are known to be of the same bytes; null: by nothing. */
export type Validator = { kind: "etag" | "date"; value: string } | null;

export interface AnswerHead {
  status: number;
  /** Of a 206: the part that it is. Null for anything else, and for a header that says nothing. */
  range: { start: number; end: number; total: number | null } | null;
  /** Of the body; null when it was not said (chunked, or until the connection ends). */
  length: number | null;
  validator: Validator;
  /** The body is compressed on the way, although we asked for it as it is. */
  encoded: boolean;
  location: string | null;
  retryAfterMs: number | null;
}

/** @param now Unix time in milliseconds, for a `Retry-After` that is a date. */
export function readHead(status: number, headers: IncomingHttpHeaders, now: number): AnswerHead {
  const encoding = (one(headers["content-encoding"]) ?? "identity").trim().toLowerCase();
  return {
    status,
    range: status === 206 ? contentRange(one(headers["content-range"])) : null,
    length: count(one(headers["content-length"])),
    validator: validatorOf(headers),
    encoded: encoding !== "identity" && encoding !== "",
    location: one(headers.location),
    retryAfterMs: retryAfter(one(headers["retry-after"]), now),
  };
}

/** Same bytes as far as the server tells: what one of both does not say is no contradiction. */
export function contradicts(was: Validator, is: Validator): boolean {
  return was !== null && is !== null && was.kind === is.kind && was.value !== is.value;
}

/** A strong ETag, else the date of the last change; a weak ETag promises no equal bytes (RFC 9110 section 13.1.5). */
function validatorOf(headers: IncomingHttpHeaders): Validator {
  const etag = one(headers.etag)?.trim();
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return { kind: "etag", value: etag };
  const date = one(headers["last-modified"])?.trim();
  return date !== undefined && httpDate(date) !== null ? { kind: "date", value: date } : null;
}

function contentRange(text: string | null): AnswerHead["range"] {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text?.trim() ?? "");
  if (match === null) return null;
  const [start, end] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? null : Number(match[3]);
  return end < start || (total !== null && end >= total) ? null : { start, end, total };
}

function retryAfter(text: string | null, now: number): number | null {
  const trimmed = text?.trim() ?? "";
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed) * 1000;
  const date = httpDate(trimmed);
  return date === null ? null : Math.max(0, date - now);
}

/** The one form that is sent today (RFC 9110 section 5.6.7); `Date.parse` alone takes nearly anything. */
function httpDate(text: string): number | null {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : date;
}

function count(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}

function one(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

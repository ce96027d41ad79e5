/** Schemas for what strangers wrote: a field of a wrong type counts as absent, a text too long is cut, nothing throws. */
import { z } from "zod";

/** Cuts at a code point, never inside a surrogate pair. */
export function clip(text: string, max: number): string {
  return text.length <= max ? text : text.slice(0, max).replace(/[\ud800-\udbff]$/, "");
}

/** A text, cut to `max`; blank or none: null. */
export const clipped = (max: number) =>
  z
    .string()
    .transform((value) => clip(value.trim(), max) || null)
    .nullable()
    .catch(null)
    .default(null);

export const anyNumber = z.number().finite().nonnegative().nullable().catch(null).default(null);

/** A whole number; what lies outside the safe integers is no count of anything. */
export const anyCount = z
  .number()
  .transform(Math.round)
  .pipe(z.int().nonnegative())
  .nullable()
  .catch(null)
  .default(null);

export const anyList = z.array(z.unknown()).catch([]).default([]);

/** An http(s) address; cut it would be another one, so that a longer one is none. */
export function httpUrl(value: unknown, max: number): string | null {
  if (typeof value !== "string") return null;
  const text = value.trim();
  return text.length <= max && /^https?:\/\//i.test(text) && URL.canParse(text) ? text : null;
}

/** Dates of pages and feeds. */

export const DAY_MS = 24 * 60 * 60_000;

/** ISO 8601 UTC to the second out of any form that JavaScript reads (ISO, RFC 822); else null. */
export function toIsoDate(value: unknown): string | null {
  if (typeof value !== "string" || value.length > 100) return null;
  const time = Date.parse(value.trim());
  if (Number.isNaN(time)) return null;
  const iso = new Date(Math.floor(time / 1000) * 1000).toISOString();
  // A year outside 0–9999 has another form, which the contract does not take.
  return /^\d{4}-/.test(iso) ? iso.replace(".000Z", "Z") : null;
}

/** How far two dates lie apart, milliseconds; null when one of them is unknown. */
export function distance(left: string | null, right: string | null): number | null {
  return left === null || right === null ? null : Math.abs(Date.parse(left) - Date.parse(right));
}

/** Dates as the library API writes them (section 1.1 there). */

/** RFC 2822 in UTC: `Tue, 01 Dec 2026 10:00:09 -0000`. */
export function rfc2822(ms: number): string {
  return new Date(ms).toUTCString().replace("GMT", "-0000");
}

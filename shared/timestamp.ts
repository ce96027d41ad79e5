/** `HH:MM:SS`, `MM:SS` or seconds, up to three decimals (jobs API 3.1). Without hours the minutes may pass 59: `90:00`. */
const CLOCK = /^(?:(\d{1,3}):([0-5]?\d)|(\d{1,5})):([0-5]?\d(?:\.\d{1,3})?)$/;
const SECONDS = /^\d{1,9}(?:\.\d{1,3})?$/;

/** Seconds, or null when the text is none of the three forms. */
export function parseTimestamp(text: string): number | null {
  if (SECONDS.test(text)) return Number(text);
  const match = CLOCK.exec(text);
  if (match === null) return null;
  const minutes = match[3] ?? match[2];
  const seconds = Number(match[1] ?? 0) * 3600 + Number(minutes) * 60 + Number(match[4]);
  return Math.round(seconds * 1000) / 1000;
}

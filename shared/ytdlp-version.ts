/** Code execution advisories were fixed in this release of yt-dlp. `TRAWL_YTDLP_MIN` overrides it. */
export const YTDLP_MIN_VERSION = "2026.07.04";

/** Compares dotted dates, `2026.07.04` or `2026.7.4.123456` (a nightly); what is no such date is older than any. */
export function isOlder(version: string, minimum: string): boolean {
  const [left, right] = [version, minimum].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < 3; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

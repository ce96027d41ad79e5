/** One progress line of yt-dlp (`arguments.ts` sets its template) → numbers. */
import { z } from "zod";
import type { DownloadProgress } from "./port.ts";

const number = z.number().finite().nonnegative().nullable().catch(null).default(null);
const Line = z.object({
  downloaded_bytes: number,
  total_bytes: number,
  total_bytes_estimate: number,
  speed: number,
  eta: number,
  fragment_index: number,
  fragment_count: number,
});

/** Null for a line that is not JSON: the marker may also stand in a site's text. */
export function parseProgress(json: string): DownloadProgress | null {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    return null;
  }
  const parsed = Line.safeParse(raw);
  if (!parsed.success) return null;
  const line = parsed.data;
  const total = line.total_bytes ?? line.total_bytes_estimate;
  return {
    bytes: line.downloaded_bytes,
    totalBytes: total === null ? null : Math.round(total),
    speedBytesPerSecond: line.speed === null ? null : Math.round(line.speed),
    etaSeconds: line.eta === null ? null : Math.round(line.eta),
    fraction: fraction(line, total),
  };
}

/** Fragments say more than an estimated size, which jumps while the first ones arrive. */
function fraction(line: z.infer<typeof Line>, total: number | null): number | null {
  if (line.fragment_index !== null && line.fragment_count)
    return Math.min(1, line.fragment_index / line.fragment_count);
  return line.downloaded_bytes !== null && total ? Math.min(1, line.downloaded_bytes / total) : null;
}

/** Which segments of a source a clip needs, and the playlist that names no others. Pure. */

export interface Range {
  /** The first segment and the one after the last. */
  from: number;
  to: number;
}

/** So much is fetched beyond the clip: packets that are decoded late, and lengths in a playlist that are not quite true. */
const MARGIN_SECONDS = 2;
/** Leaving out less than this part of a source is not worth the questions that it takes. */
const WORTH_LEAVING_OUT = 0.25;

/** Null when the whole is to be fetched. */
export function chooseSegments(seconds: readonly number[], clip: { start: number; end: number | null }): Range | null {
  const ends: number[] = [];
  for (const length of seconds) ends.push((ends.at(-1) ?? 0) + length);
  const total = ends.at(-1) ?? 0;
  const first = ends.findIndex((end) => end > clip.start - MARGIN_SECONDS);
  // One more before: a segment may begin between keyframes.
  const from = Math.max(0, first - 1);
  const end = clip.end;
  const last = end === null ? -1 : ends.findIndex((at) => at >= end + MARGIN_SECONDS);
  const to = last < 0 ? seconds.length : last + 1;
  const wanted = seconds.slice(from, to).reduce((sum, length) => sum + length, 0);
  if (first < 0 || wanted > total * (1 - WORTH_LEAVING_OUT)) return null;
  return { from, to };
}

export interface Playlist {
  lines: string[];
  /** Seconds of each segment. */
  seconds: number[];
}

const OF_ONE_SEGMENT = /^#EXT(?:INF|-X-(?:BYTERANGE|PROGRAM-DATE-TIME|GAP|BITRATE)):?/;

/** A media playlist that is complete and runs through (RFC 8216); null for anything else. */
export function parsePlaylist(text: string): Playlist | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines[0]?.startsWith("#EXTM3U") !== true || !lines.includes("#EXT-X-ENDLIST")) return null;
  // Times begin anew after a discontinuity, and a byte range without an offset goes on from the one before.
  if (lines.some((line) => /^#EXT-X-DISCONTINUITY$|^#EXT-X-BYTERANGE:\d+$|^#EXT-X-STREAM-INF/.test(line))) return null;
  const seconds = lines.flatMap((line) => /^#EXTINF:(\d+(?:\.\d+)?)/.exec(line)?.[1] ?? []).map(Number);
  const addresses = lines.filter((line) => !line.startsWith("#")).length;
  return seconds.length === addresses && seconds.length > 0 ? { lines, seconds } : null;
}

/** The same playlist with these segments alone; keys, and the part that comes before all segments, stay in force. */
export function trimPlaylist({ lines }: Playlist, { from, to }: Range): string {
  let segment = 0;
  let numbered = false;
  const kept = lines.flatMap((line) => {
    const own = OF_ONE_SEGMENT.test(line) || !line.startsWith("#");
    const inside = segment >= from && segment < to;
    if (!line.startsWith("#")) segment += 1;
    if (own && !inside) return [];
    const number = /^#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(line);
    if (number === null) return [line];
    numbered = true;
    // The key of a segment may depend on its number.
    return [`#EXT-X-MEDIA-SEQUENCE:${Number(number[1]) + from}`];
  });
  if (!numbered) kept.splice(1, 0, `#EXT-X-MEDIA-SEQUENCE:${from}`);
  return `${kept.join("\n")}\n`;
}

/**
 * One look at an HLS media playlist (RFC 8216), as far as a recorder needs it. Pure. Everything in it was written by a
 * site: what makes no sense is a problem of the playlist, never an exception.
 *
 * Left out on purpose: partial segments and preload hints of low-latency HLS (each part comes again in a whole segment),
 * and variables (`EXT-X-DEFINE`).
 */
import { MAX_PLAYLIST_SEGMENTS } from "./limits.ts";

export interface ByteRange {
  start: number;
  length: number;
}

/** A part of a file, or a whole one. */
export interface Piece {
  url: string;
  range: ByteRange | null;
}

export interface SegmentKey {
  url: string;
  /** 16 bytes, in hex; null: the segment's sequence number. */
  iv: string | null;
}

export interface LiveSegment extends Piece {
  sequence: number;
  /** Segments with the same number share one timeline. */
  discontinuity: number;
  seconds: number;
  /** What stands before the first fragment of an fMP4 run. */
  map: Piece | null;
  key: SegmentKey | null;
  /** The site itself says that there is nothing (`EXT-X-GAP`). */
  missing: boolean;
}

export interface LivePlaylist {
  targetSeconds: number;
  segments: LiveSegment[];
  /** Nothing will be added any more. */
  ended: boolean;
}

/** Why a playlist cannot be recorded. `drm` is the media's; `broken` may be one bad answer. */
export type PlaylistProblem = { problem: "drm" | "broken" | "master" };

/**
 * @param base Where the playlist was found, for the addresses in it.
 * @example parsePlaylist("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.ts\n", "https://e.com/live/")
 */
export function parsePlaylist(text: string, base: string): LivePlaylist | PlaylistProblem {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  if (lines[0]?.replace(/^\ufeff/, "") !== "#EXTM3U") return { problem: "broken" };
  if (lines.some((line) => line.startsWith("#EXT-X-STREAM-INF"))) return { problem: "master" };
  return new Reader(base).read(lines);
}

class Reader {
  readonly #base: string;
  readonly #segments: LiveSegment[] = [];
  #target = 0;
  #sequence = 0;
  #discontinuity = 0;
  #ended = false;
  #seconds: number | null = null;
  #missing = false;
  #range: { length: number; start: number | null } | null = null;
  #map: Piece | null = null;
  #key: SegmentKey | null = null;
  #drm = false;
  /** Where the last sub-range of a file ended: the next one may begin there. */
  #rangeEnd = new Map<string, number>();

  constructor(base: string) {
    this.#base = base;
  }

  read(lines: readonly string[]): LivePlaylist | PlaylistProblem {
    for (const line of lines) {
      if (line === "") continue;
      if (line.startsWith("#")) this.#tag(line);
      else if (!this.#segment(line)) return { problem: "broken" };
      if (this.#drm) return { problem: "drm" };
      if (this.#segments.length > MAX_PLAYLIST_SEGMENTS) return { problem: "broken" };
    }
    const longest = this.#segments.reduce((most, each) => Math.max(most, each.seconds), 0);
    return { targetSeconds: this.#target || longest || 1, segments: this.#segments, ended: this.#ended };
  }

  #tag(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1);
    switch (name) {
      case "#EXT-X-TARGETDURATION":
        this.#target = positive(value);
        return;
      case "#EXT-X-MEDIA-SEQUENCE":
        this.#sequence = Math.floor(positive(value));
        return;
      case "#EXT-X-DISCONTINUITY-SEQUENCE":
        this.#discontinuity = Math.floor(positive(value));
        return;
      case "#EXT-X-DISCONTINUITY":
        this.#discontinuity += 1;
        return;
      case "#EXTINF":
        this.#seconds = positive(value.split(",", 1)[0] ?? "");
        return;
      case "#EXT-X-GAP":
        this.#missing = true;
        return;
      case "#EXT-X-BYTERANGE":
        this.#range = byteRange(value);
        return;
      case "#EXT-X-MAP":
        this.#setMap(attributes(value));
        return;
      case "#EXT-X-KEY":
        this.#setKey(attributes(value));
        return;
      case "#EXT-X-ENDLIST":
        this.#ended = true;
    }
  }

  #segment(line: string): boolean {
    const url = this.#resolve(line);
    if (url === null) return false;
    const range = this.#rangeOf(url, this.#range);
    this.#segments.push({
      url,
      range,
      sequence: this.#sequence + this.#segments.length,
      discontinuity: this.#discontinuity,
      seconds: this.#seconds ?? this.#target,
      map: this.#map,
      key: this.#key,
      missing: this.#missing,
    });
    this.#seconds = null;
    this.#range = null;
    this.#missing = false;
    return true;
  }

  #rangeOf(url: string, range: { length: number; start: number | null } | null): ByteRange | null {
    if (range === null) return null;
    const start = range.start ?? this.#rangeEnd.get(url) ?? 0;
    this.#rangeEnd.set(url, start + range.length);
    return { start, length: range.length };
  }

  #setMap(values: Map<string, string>): void {
    const url = this.#resolve(values.get("URI") ?? "");
    if (url === null) return;
    const range = values.get("BYTERANGE");
    const parsed = range === undefined ? null : byteRange(range);
    this.#map = { url, range: parsed === null ? null : { start: parsed.start ?? 0, length: parsed.length } };
  }

  /** Whole segments under AES-128 are ours to open; sample encryption and other key systems are copy protection. */
  #setKey(values: Map<string, string>): void {
    const method = values.get("METHOD");
    const format = values.get("KEYFORMAT") ?? "identity";
    if (method === "NONE") {
      this.#key = null;
      return;
    }
    const url = this.#resolve(values.get("URI") ?? "");
    if (method !== "AES-128" || format !== "identity" || url === null) {
      this.#drm = true;
      return;
    }
    const iv = /^0x([0-9a-f]{1,32})$/i.exec(values.get("IV") ?? "")?.[1];
    this.#key = { url, iv: iv === undefined ? null : iv.padStart(32, "0").toLowerCase() };
  }

  #resolve(reference: string): string | null {
    if (reference === "" || !URL.canParse(reference, this.#base)) return null;
    const url = new URL(reference, this.#base);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  }
}

/** `KEY=value,KEY="value, quoted"`. */
function attributes(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)) {
    found.set(name, value.replace(/^"(.*)"$/, "$1"));
  }
  return found;
}

/** `<length>[@<start>]`. */
function byteRange(text: string): { length: number; start: number | null } | null {
  const match = /^(\d{1,15})(?:@(\d{1,15}))?$/.exec(text);
  if (match === null) return null;
  return { length: Number(match[1]), start: match[2] === undefined ? null : Number(match[2]) };
}

function positive(text: string): number {
  const number = Number(text);
  return Number.isFinite(number) && number > 0 ? number : 0;
}

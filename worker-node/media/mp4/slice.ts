/** Which samples of a movie a clip needs, and where they lie. Pure. */
import type { ByteRange } from "../../fetch/ranges.ts";
import type { Movie, Track } from "./movie.ts";

/**
 * So much before the start a picture is looked for that a decoder can begin with: `clip.ts` begins to read 2 s before, and the
 * encoder half a second.
 */
const BACK_SECONDS = 2.5;
/** The end is looked at up to 2 s behind it. */
const AHEAD_SECONDS = 3;
/** Sound is decoded from before it is heard: Opus asks for 80 ms, AAC for two packets. */
const SOUND_BACK_SECONDS = 1;
/** Two ranges this near to each other are fetched as one: at 10 MB/s the gap takes as long as a round trip. */
const GAP_BYTES = 256 * 1024;
/** Questions for one file; nearer ones are joined until there are no more. */
const MAX_RANGES = 64;
/** Of one track: three hours of sound. With more to list, memory is what would be saved on the network. */
const MAX_SAMPLES = 500_000;

export interface Wanted {
  /** Seconds since the movie's first packet. */
  start: number;
  /** Null: its end. */
  end: number | null;
  /** No picture is asked for. */
  soundOnly: boolean;
  /** So much more before the start and behind the end: others' clocks, and their key frames. */
  spare: { back: number; ahead: number };
}

export interface TrackSlice {
  track: Track;
  /** Samples `first`, included, to `last`, not. */
  first: number;
  last: number;
  /** The movie's time 0 on the clock of the media, in ticks of the track. */
  base: number;
}

export interface Slice {
  tracks: TrackSlice[];
  /** In order, apart, none empty. */
  ranges: ByteRange[];
  bytes: number;
}

/**
 * @param total Bytes of the whole file.
 * @returns `behind` when the movie is over before the start; null when it has nothing that is wanted, or says that samples
 *   lie where the file is not.
 */
export function sliceMovie(movie: Movie, wanted: Wanted, total: number): Slice | "behind" | null {
  const tracks = movie.tracks.filter(({ kind }) => kind === "audio" || !wanted.soundOnly);
  if (tracks.length === 0) return null;
  const start = movie.startSeconds + wanted.start;
  const end = movie.startSeconds + (wanted.end ?? Number.POSITIVE_INFINITY);
  const based = tracks.map((track) => ({ track, base: baseOf(track) }));
  if (based.every(({ track, base }) => endOf(track, base) <= start)) return "behind";
  const until = end + AHEAD_SECONDS + wanted.spare.ahead;
  let from = start - BACK_SECONDS - wanted.spare.back;
  const slices: TrackSlice[] = [];
  // The picture first: sound is needed from where it really begins.
  for (const { track, base } of based.toSorted((a, b) => rank(a.track) - rank(b.track))) {
    const slice =
      track.kind === "video" ? slicePicture(track, base, from, until) : sliceSound(track, base, from, until);
    if (track.kind === "video") from = Math.min(from, firstSeconds(slice));
    slices.push(slice);
  }
  if (slices.some(({ first, last }) => last - first > MAX_SAMPLES)) return null;
  const ranges = joinRanges(slices.flatMap(extents));
  if (ranges.some((range) => range.end > total || !Number.isSafeInteger(range.end))) return null;
  return {
    tracks: slices.toSorted((a, b) => a.track.box.at - b.track.box.at),
    ranges,
    bytes: ranges.reduce((sum, range) => sum + range.end - range.start, 0),
  };
}

/**
 * Where ffmpeg has the movie's time 0. Of a picture the first frame that is shown counts, even if the edit begins between two;
 * of sound the very sample.
 */
function baseOf({ kind, edit, tables }: Track): number {
  if (edit === null) return 0;
  if (kind === "audio") return edit.mediaTime - edit.empty;
  const least = tables.shifts?.least ?? 0;
  let first = Number.POSITIVE_INFINITY;
  for (const { dts, cts } of tables.samples(0, tables.count)) {
    // What is decoded later cannot be shown earlier.
    if (dts + least >= first) break;
    if (cts >= edit.mediaTime && cts < edit.mediaTime + edit.duration) first = Math.min(first, cts);
  }
  return (Number.isFinite(first) ? first : edit.mediaTime) - edit.empty;
}

/** When nothing of a track is shown any more, at the latest. */
function endOf({ edit, tables, timescale }: Track, base: number): number {
  const media = tables.duration + Math.max(0, tables.shifts?.most ?? 0);
  return (Math.min(media, edit === null ? media : edit.mediaTime + edit.duration) - base) / timescale;
}

function slicePicture(track: Track, base: number, from: number, until: number): TrackSlice {
  const { tables, timescale } = track;
  const earliest = from * timescale + base;
  const first = tables.lastSync(tables.count, (cts) => cts <= earliest) ?? 0;
  // Past the last one that is shown before the end, wherever it is decoded.
  const last = Number.isFinite(until)
    ? tables.firstAt(until * timescale + base - (tables.shifts?.least ?? 0))
    : tables.count;
  return { track, base, first, last: Math.max(last, first + 1) };
}

function sliceSound(track: Track, base: number, from: number, until: number): TrackSlice {
  const { tables, timescale } = track;
  const begins = tables.firstAt((from - SOUND_BACK_SECONDS) * timescale + base);
  // One before, which may reach into it; of sound that is over by then, the last one.
  const near = Math.max(0, begins - 1);
  const first = tables.everySampleIsSync ? near : (tables.lastSync(near + 1, () => true) ?? 0);
  const last = Number.isFinite(until) ? tables.firstAt(until * timescale + base) : tables.count;
  return { track, base, first, last: Math.max(last, first + 1) };
}

function rank({ kind }: Track): number {
  return kind === "video" ? 0 : 1;
}

function firstSeconds({ track, base, first }: TrackSlice): number {
  for (const { cts } of track.tables.samples(first, first + 1)) return (cts - base) / track.timescale;
  return 0;
}

/** Where the samples lie. */
function extents({ track, first, last }: TrackSlice): ByteRange[] {
  const found: ByteRange[] = [];
  let open: ByteRange | undefined;
  for (const { offset, size } of track.tables.samples(first, last)) {
    if (size === 0) continue;
    if (open !== undefined && offset >= open.start && offset <= open.end + GAP_BYTES)
      open.end = Math.max(open.end, offset + size);
    else {
      open = { start: offset, end: offset + size };
      found.push(open);
    }
  }
  return found;
}

function joinRanges(extents: readonly ByteRange[]): ByteRange[] {
  let ranges = extents.toSorted((a, b) => a.start - b.start);
  for (let gap = GAP_BYTES; ; gap *= 2) {
    const joined: ByteRange[] = [];
    for (const { start, end } of ranges) {
      const last = joined.at(-1);
      if (last !== undefined && start <= last.end + gap) last.end = Math.max(last.end, end);
      else joined.push({ start, end });
    }
    ranges = joined;
    if (ranges.length <= MAX_RANGES) return ranges;
  }
}

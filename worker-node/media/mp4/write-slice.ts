/**
 * The beginning of a file that holds a slice of a movie and nothing else: a `moov` whose tables list the samples that are
 * there, and no others, so that whoever reads the file meets no hole. Time stamps stay those of the whole: an empty edit, exact to the tick,
 * stands for what was left out. Everything that is said of the samples (`stsd`, languages, titles, how a player turns the
 * picture) is carried over as it is.
 */
import { placeOf } from "../../fetch/partial-file.ts";
import { type Box, boxesIn } from "../ffmpeg/boxes.ts";
import type { Movie } from "./movie.ts";
import type { Slice, TrackSlice } from "./slice.ts";

/** ffmpeg takes time scales for signed numbers. */
const MAX_TIMESCALE = 2 ** 31 - 1;
/** What of a track is not true any more, or names tracks that are not there. */
const LEFT_OUT = new Set(["tref"]);
const LONG_HEADER_BYTES = 16;
/** The first word of a box whose times take 64 bits. */
const VERSION_1 = 0x01000000;
const UNITY_RATE = 0x10000;

export interface Beginning {
  bytes: Buffer;
  /** The time stamp of the file's first packet, seconds. */
  startSeconds: number;
}

/**
 * Everything before the bytes of `slice.ranges`, which follow one behind the other.
 *
 * @param ftyp The file's own box; empty when it has none.
 * @returns null when the times of the tracks cannot be written as they are.
 */
export function writeSlice(movie: Movie, slice: Slice, ftyp: Buffer): Beginning | null {
  const timescale = commonTimescale(slice.tracks.map(({ track }) => track.timescale));
  const tracks = slice.tracks.map(listSamples);
  const known = tracks.filter((one) => one !== null);
  if (timescale === null || known.length !== tracks.length) return null;
  const build = (dataAt: number): Buffer => {
    const moov = writeMovie(movie, known, timescale, (at) => dataAt + placeOf(at, slice.ranges));
    const mdat = Buffer.alloc(LONG_HEADER_BYTES);
    mdat.writeUInt32BE(1, 0);
    mdat.write("mdat", 4, "latin1");
    mdat.writeBigUInt64BE(BigInt(slice.bytes + LONG_HEADER_BYTES), 8);
    return Buffer.concat([ftyp, moov, mdat]);
  };
  // Offsets take 64 bits each, whatever they are: the second one is as long as the first.
  const bytes = build(build(0).length);
  return { bytes, startSeconds: Math.min(...known.map((one) => one.edit.empty / one.slice.track.timescale)) };
}

/** In which each track's ticks are whole numbers; null when there is none that is small enough. */
function commonTimescale(timescales: readonly number[]): number | null {
  let common = 1;
  for (const one of timescales) {
    common *= one / greatestDivisor(common, one);
    if (common > MAX_TIMESCALE) return null;
  }
  return common;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Flat: there may be half a million of each. */
interface Listed {
  slice: TrackSlice;
  /** So many samples, the value, so many samples, … */
  times: number[];
  shifts: number[];
  /** Numbers from 1 on. */
  sync: number[];
  sizes: number[];
  /** Samples in each chunk, and where it lies in the whole file. */
  chunks: number[];
  offsets: number[];
  duration: number;
  /** Ticks since the beginning of the movie at which the slice is first shown; where that is in its media; for how long. */
  edit: { empty: number; mediaTime: number; duration: number };
}

/** Null when nothing of it is shown. */
function listSamples(slice: TrackSlice): Listed | null {
  const { track, base, first, last } = slice;
  const { kind, edit, tables } = track;
  const listed = emptyList();
  let [begin, floor, shown, over] = [0, 0, Number.POSITIVE_INFINITY, 0];
  for (const { index, dts, cts, duration, offset, size, sync, beginsChunk } of tables.samples(first, last)) {
    if (index === first) {
      begin = dts;
      // What is shown before the first key frame but decoded after it lacks what it refers to.
      floor = Math.max(edit?.mediaTime ?? 0, first === 0 ? 0 : cts);
    }
    if (kind === "video" && cts >= floor) shown = Math.min(shown, cts);
    over = Math.max(over, cts + duration);
    addRun(listed.times, duration);
    addRun(listed.shifts, cts - dts);
    listed.sizes.push(size);
    if (sync) listed.sync.push(index - first + 1);
    if (beginsChunk) listed.offsets.push(offset);
    listed.chunks[listed.offsets.length - 1] = (listed.chunks[listed.offsets.length - 1] ?? 0) + 1;
    listed.duration += duration;
  }
  // An edit may begin inside a packet of sound.
  if (kind !== "video") shown = floor;
  const until = Math.min(over, edit === null ? over : edit.mediaTime + edit.duration);
  const blind = !tables.everySampleIsSync && listed.sync.length === 0;
  if (blind || !(shown < until) || shown < base || shown < begin) return null;
  const empty = shown - base;
  if (last === tables.count) lengthen(listed, empty);
  return { ...listed, slice, edit: { empty, mediaTime: shown - begin, duration: until - shown } };
}

/**
 * ffmpeg takes the length of the last sample of all from that of the track, which to it begins at 0. So the track claims as
 * many samples more as take the time that was left out: at the same pace, or its frame rate would be another.
 */
function lengthen(listed: Pick<Listed, "times" | "sizes" | "duration">, ticks: number): void {
  const pace = Math.max(1, Math.round(listed.duration / listed.sizes.length));
  const samples = Math.ceil(ticks / pace);
  const last = listed.times.length - 1;
  if (listed.times[last] === pace) listed.times[last - 1] = (listed.times[last - 1] ?? 0) + samples;
  else if (samples > 0) listed.times.push(samples, pace);
  listed.duration += samples * pace;
}

function emptyList(): Omit<Listed, "slice" | "edit"> {
  return { times: [], shifts: [], sync: [], sizes: [], chunks: [], offsets: [], duration: 0 };
}

function addRun(runs: number[], value: number): void {
  const last = runs.length - 1;
  if (last > 0 && runs[last] === value) runs[last - 1] = (runs[last - 1] ?? 0) + 1;
  else runs.push(1, value);
}

function writeMovie(
  movie: Movie,
  tracks: readonly Listed[],
  timescale: number,
  placed: (offset: number) => number,
): Buffer {
  const { moov } = movie;
  const kept = new Map(tracks.map((one) => [one.slice.track.box.at, one]));
  const scaled = (one: Listed, ticks: number) => ticks * (timescale / one.slice.track.timescale);
  // Without what was left out: a reader takes it for the length of what there is.
  const begins = Math.min(...tracks.map((one) => scaled(one, one.edit.empty)));
  const ends = Math.max(...tracks.map((one) => scaled(one, one.edit.empty + one.edit.duration)));
  const children = boxesIn(moov, 8).flatMap((child) => {
    const listed = kept.get(child.at);
    if (listed !== undefined) return [writeTrack(moov, listed, timescale, placed)];
    if (child.type === "mvhd") return [writeHeader(moov, child, { timescale, duration: ends - begins })];
    return child.type === "udta" || child.type === "meta" ? [whole(moov, child)] : [];
  });
  return box("moov", ...children);
}

function writeTrack(moov: Buffer, listed: Listed, timescale: number, placed: (offset: number) => number): Buffer {
  const { track } = listed.slice;
  const { empty, mediaTime, duration } = listed.edit;
  const scale = timescale / track.timescale;
  const entry = (length: number, at: number) => Buffer.concat([longs([length * scale, at]), words([UNITY_RATE])]);
  const entries = [...(empty > 0 ? [entry(empty, -1)] : []), entry(duration, mediaTime)];
  const edits = box("edts", table("elst", entries.length, Buffer.concat(entries), 1));
  const rewritten: Record<string, (child: Box) => Buffer> = {
    tkhd: (child) => writeTrackHeader(moov, child, (empty + duration) * scale),
    mdhd: (child) => writeHeader(moov, child, { timescale: track.timescale, duration: listed.duration }),
    mdia: (child) => rewrite(child),
    minf: (child) => rewrite(child),
    stbl: (child) => writeTables(moov, child, listed, placed),
  };
  const rewrite = ({ type, at, size }: Box): Buffer => {
    const children = boxesIn(moov, at + 8, at + size).flatMap((child) => {
      if (child.type === "edts" || LEFT_OUT.has(child.type)) return [];
      const made = rewritten[child.type]?.(child) ?? whole(moov, child);
      return child.type === "tkhd" ? [made, edits] : [made];
    });
    return box(type, ...children);
  };
  return rewrite(track.box);
}

function writeTables(moov: Buffer, stbl: Box, listed: Listed, placed: (offset: number) => number): Buffer {
  const { times, shifts, sync, sizes, chunks, offsets } = listed;
  const described = boxesIn(moov, stbl.at + 8, stbl.at + stbl.size).filter(({ type }) => type === "stsd");
  const { constantSize, everySampleIsSync } = listed.slice.track.tables;
  const runs = chunks.flatMap((samples, at) => (chunks[at - 1] === samples ? [] : [at + 1, samples, 1]));
  const ordered = shifts.some((value, at) => at % 2 === 1 && value !== 0);
  return box(
    "stbl",
    ...described.map((child) => whole(moov, child)),
    table("stts", times.length / 2, words(times)),
    ...(ordered ? [table("ctts", shifts.length / 2, words(shifts), 1)] : []),
    ...(everySampleIsSync ? [] : [table("stss", sync.length, words(sync))]),
    table("stsc", runs.length / 3, words(runs)),
    box("stsz", words([0, constantSize ?? 0, sizes.length]), ...(constantSize === null ? [words(sizes)] : [])),
    table("co64", offsets.length, longs(offsets.map(placed))),
  );
}

/** `mvhd` and `mdhd` with other times, in the form that has room for 64 bits. */
function writeHeader(moov: Buffer, { type, at, size }: Box, times: { timescale: number; duration: number }): Buffer {
  const made = madeAt(moov, at);
  const rest = moov.subarray(made.next + 4 + made.width, at + size);
  return box(type, words([VERSION_1]), made.dates, words([times.timescale]), longs([times.duration]), rest);
}

function writeTrackHeader(moov: Buffer, { at, size }: Box, duration: number): Buffer {
  const made = madeAt(moov, at);
  const flags = moov.readUInt32BE(at + 8) & 0xffffff;
  const idAndReserved = moov.subarray(made.next, made.next + 8);
  const rest = moov.subarray(made.next + 8 + made.width, at + size);
  return box("tkhd", words([VERSION_1 | flags]), made.dates, idAndReserved, longs([duration]), rest);
}

/** When it was made and changed, which stand in front in both forms, and how wide times are in this one. */
function madeAt(moov: Buffer, at: number): { dates: Buffer; width: number; next: number } {
  const from = at + 12;
  if (moov[at + 8] === 1) return { dates: moov.subarray(from, from + 16), width: 8, next: from + 16 };
  return { dates: longs([moov.readUInt32BE(from), moov.readUInt32BE(from + 4)]), width: 4, next: from + 8 };
}

function whole(moov: Buffer, { at, size }: Box): Buffer {
  return moov.subarray(at, at + size);
}

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 8),
    0,
  );
  header.write(type, 4, "latin1");
  return Buffer.concat([header, ...parts]);
}

/** A box with a version, the number of its entries, and those. */
function table(type: string, count: number, entries: Buffer, version = 0): Buffer {
  return box(type, words([version * VERSION_1, count]), entries);
}

/** Negative ones as their two's complement. */
function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
}

function longs(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [at, value] of values.entries()) bytes.writeBigInt64BE(BigInt(value), at * 8);
  return bytes;
}

/**
 * What a `moov` box says of the tracks that a clip is made of. Only of files that are read the same by everyone: whole (no
 * fragments), not encrypted, one run of the media per track. Null for anything else.
 */
import { type Box, boxesIn } from "../ffmpeg/boxes.ts";
import { SampleTables } from "./tables.ts";

/** A movie has two tracks, or a few more for languages, chapters and time codes. */
const MAX_TRACKS = 64;
/** By so much decoding may run ahead of showing, or two pictures may be exchanged. */
const MAX_REORDER_SECONDS = 5;
const UNITY_RATE = 0x10000;
/** The shorter of its two forms. */
const TKHD_BYTES = 92;
/** What changes where a decoder can begin, other than `stss`. */
const OTHER_SYNC = new Set(["rap ", "sync"]);

/** The part of a track's media that is shown, in its own ticks. */
export interface Edit {
  /** Before it begins. */
  empty: number;
  mediaTime: number;
  duration: number;
}

export interface Track {
  kind: "video" | "audio" | "other";
  /** Ticks a second. */
  timescale: number;
  edit: Edit | null;
  /** When it begins, ticks since the beginning of the movie. */
  start: number;
  tables: SampleTables;
  /** `trak`. */
  box: Box;
}

export interface Movie {
  moov: Buffer;
  /** Those that a clip can be made of, and no two of a kind. */
  tracks: Track[];
  /** The time stamp of its first packet, seconds, as ffprobe says it. */
  startSeconds: number;
}

/** The samples are not listed here, but in boxes between the media. */
export function isInFragments(moov: Buffer): boolean {
  return boxesIn(moov, 8).some(({ type }) => type === "mvex");
}

/** @param moov The whole box. */
export function readMovie(moov: Buffer): Movie | null {
  const boxes = boxesIn(moov, 8);
  const header = boxes.find(({ type }) => type === "mvhd");
  const timescale = header === undefined ? null : timescaleOf(moov, header);
  const traks = boxes.filter(({ type }) => type === "trak");
  if (timescale === null || isInFragments(moov) || traks.length > MAX_TRACKS) return null;
  const tracks: Track[] = [];
  for (const trak of traks) {
    const track = readTrack(moov, trak, timescale);
    if (track === "odd") return null;
    if (track !== null) tracks.push(track);
  }
  const pictures = tracks.filter(({ kind }) => kind === "video");
  const sound = tracks.find(({ kind }) => kind === "audio");
  // A second one may be a cover or the pictures of chapters: which of them is meant is not for us to guess.
  if (pictures.length > 1) return null;
  const used = tracks.filter((track) => track === pictures[0] || track === sound);
  // An encoder's own samples at the beginning, in a note of iTunes: without an edit it moves where the media begin.
  if (used.some(({ kind, edit }) => kind === "audio" && edit === null) && moov.includes("iTunSMPB")) return null;
  if (used.length === 0) return null;
  return { moov, tracks: used, startSeconds: startOf(tracks) };
}

/** As ffmpeg counts: notes and chapters that begin earlier count if it is by less than a second. */
function startOf(tracks: readonly Track[]): number {
  const least = (some: readonly Track[]) => Math.min(...some.map(({ start, timescale }) => start / timescale));
  const main = least(tracks.filter(({ kind }) => kind !== "other"));
  const other = least(tracks.filter(({ kind }) => kind === "other"));
  return Math.round((other < main && main - other < 1 ? other : main) * 1e6) / 1e6;
}

/** `odd`: not to be touched. Null: a track without media, which is not missed. */
function readTrack(moov: Buffer, trak: Box, movieTimescale: number): Track | "odd" | null {
  const inside = (box: Box) => boxesIn(moov, box.at + 8, box.at + box.size);
  const child = (box: Box | undefined, type: string) =>
    box === undefined ? undefined : inside(box).find((one) => one.type === type);
  const mdia = child(trak, "mdia");
  const [mdhd, hdlr] = [child(mdia, "mdhd"), child(mdia, "hdlr")];
  const stbl = child(child(mdia, "minf"), "stbl");
  const tkhd = child(trak, "tkhd");
  if (mdhd === undefined || hdlr === undefined || stbl === undefined || tkhd === undefined) return "odd";
  if (tkhd.size < TKHD_BYTES) return "odd";
  const handler = hdlr.size >= 20 ? moov.toString("latin1", hdlr.at + 16, hdlr.at + 20) : "";
  const kind = handler === "vide" ? "video" : handler === "soun" ? "audio" : "other";
  const tables = SampleTables.read(moov, stbl);
  if (tables === null) return kind === "other" ? null : "odd";
  const timescale = timescaleOf(moov, mdhd);
  if (timescale === null) return "odd";
  const elst = child(child(trak, "edts"), "elst");
  const edit = elst === undefined ? null : readEdit(moov, elst, timescale, movieTimescale);
  if (edit === "odd") return kind === "other" ? null : "odd";
  const first = kind === "video" ? firstShown(tables) : 0;
  const track: Track = { kind, timescale, edit, start: edit?.empty ?? first, tables, box: trak };
  return kind === "other" || isPlain(track, moov, inside(stbl)) ? track : "odd";
}

/** One kind of sample, not encrypted, reordered within reason, and begun where `stss` says. */
function isPlain({ kind, tables, timescale }: Track, moov: Buffer, stbl: readonly Box[]): boolean {
  const described = stbl.find(({ type }) => type === "stsd");
  if (described === undefined || described.size < 24 || moov.readUInt32BE(described.at + 12) !== 1) return false;
  const format = moov.toString("latin1", described.at + 20, described.at + 24);
  if (format.startsWith("enc") || format === "drms" || format === "drmi") return false;
  if (moov.subarray(described.at, described.at + described.size).includes("sinf")) return false;
  if (stbl.some(({ type }) => type === "stps" || type === "senc" || type === "saiz")) return false;
  for (const { at, size } of stbl.filter(({ type }) => type === "sbgp"))
    if (size < 16 || OTHER_SYNC.has(moov.toString("latin1", at + 12, at + 16))) return false;
  // Plain sound: the ffmpeg of Debian 12 goes by chunks there, and samples of one tick are too many to go through.
  if (kind === "audio" && tables.times.most <= 1) return false;
  const { least, most } = tables.shifts ?? { least: 0, most: 0 };
  return Math.max(Math.abs(least), Math.abs(most)) <= MAX_REORDER_SECONDS * timescale;
}

/** `mvhd` and `mdhd` alike; null for none. */
function timescaleOf(moov: Buffer, { at, size }: Box): number | null {
  const wide = moov[at + 8] === 1;
  if (size < (wide ? 32 : 24)) return null;
  const timescale = moov.readUInt32BE(at + (wide ? 28 : 20));
  return timescale === 0 ? null : timescale;
}

function firstShown(tables: SampleTables): number {
  for (const { cts } of tables.samples(0, 1)) return cts;
  return 0;
}

/** At most an empty part and then a run of the media at its own speed; null: there is no list after all. */
function readEdit(moov: Buffer, { at, size }: Box, timescale: number, movieTimescale: number): Edit | null | "odd" {
  const wide = moov[at + 8] === 1;
  const width = wide ? 20 : 12;
  if (size < 16) return "odd";
  const count = moov.readUInt32BE(at + 12);
  if (count === 0) return null;
  if (count > 2 || size !== 16 + count * width) return "odd";
  const entries = Array.from({ length: count }, (_, entry) => {
    const from = at + 16 + entry * width;
    const duration = wide ? moov.readBigUInt64BE(from) : BigInt(moov.readUInt32BE(from));
    const mediaTime = wide ? Number(moov.readBigInt64BE(from + 8)) : moov.readInt32BE(from + 4);
    const scaled = (2n * duration * BigInt(timescale) + BigInt(movieTimescale)) / (2n * BigInt(movieTimescale));
    return { duration: Number(scaled), mediaTime, rate: moov.readUInt32BE(from + width - 4) };
  });
  const [first, second] = entries;
  const [empty, media] = first?.mediaTime === -1 ? [first.duration, second] : [0, count === 1 ? first : undefined];
  if (media === undefined || media.mediaTime < 0 || media.duration === 0 || media.rate !== UNITY_RATE) return "odd";
  if (![empty, media.mediaTime + media.duration].every(Number.isSafeInteger)) return "odd";
  return { empty, mediaTime: media.mediaTime, duration: media.duration };
}

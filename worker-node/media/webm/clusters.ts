/**
 * The clusters of a WebM or Matroska file on a server, by its list of places (`Cues`, RFC 9559 section 22), wherever that lies: from when
 * on each is shown, and where it lies.
 */
import type { ByteRange } from "../../fetch/ranges.ts";
import type { ByteWindow } from "../mp4/window.ts";
import type { Range } from "../plan/segments.ts";
import {
  childrenOf,
  type Element,
  element,
  fractionElement,
  HEADER_BYTES,
  numberElement,
  readElement,
  readFraction,
  readNumber,
} from "./ebml.ts";

const ID = {
  header: 0x1a45dfa3,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  tags: 0x1254c367,
  cues: 0x1c53bb6b,
  cuePoint: 0xbb,
  cueTime: 0xb3,
  cueTrackPositions: 0xb7,
  cueTrack: 0xf7,
  cueClusterPosition: 0xf1,
  cluster: 0x1f43b675,
  checksum: 0xbf,
} as const;

/** Ten hours with a place a second have 1 MB. */
const MAX_CUES_BYTES = 4 * 1024 * 1024;
/** Of the header, the facts and the tracks, each. */
const MAX_PART_BYTES = 1024 * 1024;
/** Before the first cluster: the seven kinds that there are, and room between them. */
const MAX_ELEMENTS = 32;
const DEFAULT_SCALE = 1_000_000;
const NANOSECONDS = 1e9;
const UNKNOWN_SIZE = Buffer.from("01ffffffffffffff", "hex");

interface Cue {
  /** In ticks of the file. */
  time: number;
  track: number;
  /** Of a cluster in the file. */
  at: number;
}

export class ClusterList {
  readonly seconds: readonly number[];
  readonly ranges: readonly ByteRange[];
  readonly #header: Buffer;
  readonly #info: Buffer;
  readonly #tracks: Buffer;
  readonly #tags: Buffer | null;
  readonly #cues: readonly Cue[];
  readonly #tickSeconds: number;

  constructor(
    parts: { header: Buffer; info: Buffer; tracks: Buffer; tags: Buffer | null },
    cues: readonly Cue[],
    list: { seconds: number[]; ranges: ByteRange[]; tickSeconds: number },
  ) {
    [this.#header, this.#info, this.#tracks, this.#tags] = [parts.header, parts.info, parts.tracks, parts.tags];
    this.#cues = cues;
    [this.seconds, this.ranges, this.#tickSeconds] = [list.seconds, list.ranges, list.tickSeconds];
  }

  /** What comes before these clusters in a file that holds no others: its own places, its own length, and its tracks as they were. */
  beginning({ from, to }: Range): Buffer {
    const [start, end] = [this.ranges[from]?.start ?? 0, this.ranges[to - 1]?.end ?? 0];
    const length = this.seconds.slice(from, to).reduce((sum, one) => sum + one, 0);
    const info = element(
      ID.info,
      ...childrenOf(this.#info)
        .filter(({ id }) => id !== ID.duration && id !== ID.checksum)
        .map(({ id, from: at, to: last }) => element(id, this.#info.subarray(at, last ?? at))),
      fractionElement(ID.duration, length / this.#tickSeconds),
    );
    const kept = this.#cues.filter(({ at }) => at >= start && at < end);
    const segment = Buffer.concat([Buffer.from(ID.segment.toString(16), "hex"), UNKNOWN_SIZE]);
    const inside = (firstCluster: number) =>
      Buffer.concat([
        info,
        element(ID.tracks, this.#tracks),
        ...(this.#tags === null ? [] : [element(ID.tags, this.#tags)]),
        element(ID.cues, ...kept.map((cue) => writeCue(cue, firstCluster + cue.at - start))),
      ]);
    // Numbers take as many bytes whatever they are.
    return Buffer.concat([this.#header, segment, inside(inside(0).length)]);
  }
}

/** By the first bytes of a file. */
export function isMatroska(head: Buffer): boolean {
  return readElement(head, 0)?.id === ID.header;
}

/** @returns null for a file without a sound list of places. */
export async function locateClusters(window: ByteWindow): Promise<ClusterList | null> {
  const first = await elementAt(window, 0);
  if (first?.id !== ID.header || first.to === null || first.to > MAX_PART_BYTES) return null;
  const segment = await elementAt(window, first.to);
  if (segment?.id !== ID.segment) return null;
  const header = Buffer.from(await window.get(0, first.to));
  const parts = new Map<number, Buffer>();
  let [at, cuesAt, listed]: [number, number | null, number | null] = [segment.from, null, null];
  for (let elements = 0; ; elements++) {
    const found = elements < MAX_ELEMENTS ? await elementAt(window, at) : null;
    if (found === null) return null;
    if (found.id === ID.cluster) break;
    if (found.to === null) return null;
    if (found.id === ID.cues) cuesAt = at;
    if (found.id === ID.seekHead) listed = placeOfCues(await contentOf(window, found, MAX_PART_BYTES));
    if (found.id === ID.info || found.id === ID.tracks || found.id === ID.tags) {
      const content = await contentOf(window, found, MAX_PART_BYTES);
      if (content !== null) parts.set(found.id, content);
    }
    at = found.to;
  }
  const [info, tracks] = [parts.get(ID.info), parts.get(ID.tracks)];
  const place = cuesAt ?? (listed === null ? null : segment.from + listed);
  const cuesFound = place === null ? null : await elementAt(window, place);
  if (!info || !tracks || place === null || cuesFound?.id !== ID.cues) return null;
  const content = await contentOf(window, cuesFound, MAX_CUES_BYTES);
  const cues = content === null ? null : readCues(content, segment.from);
  if (cues === null) return null;
  const end = Math.min(segment.to ?? window.total, window.total, place > at ? place : Number.POSITIVE_INFINITY);
  const list = listClusters(cues, info, at, end);
  return list === null ? null : new ClusterList({ header, info, tracks, tags: parts.get(ID.tags) ?? null }, cues, list);
}

async function elementAt(window: ByteWindow, at: number): Promise<Element | null> {
  return at >= window.total ? null : readElement(await window.get(at, HEADER_BYTES), 0, at);
}

async function contentOf(window: ByteWindow, { from, to }: Element, most: number): Promise<Buffer | null> {
  if (to === null || to - from > most || to > window.total) return null;
  return Buffer.from(await window.get(from, to - from));
}

/** From the beginning of the segment's contents. */
function placeOfCues(seekHead: Buffer | null): number | null {
  for (const seek of inside(seekHead ?? Buffer.alloc(0), ID.seek)) {
    const id = inside(seek, ID.seekId)[0];
    const position = inside(seek, ID.seekPosition)[0];
    if (id !== undefined && position !== undefined && readNumber(id) === ID.cues) return readNumber(position);
  }
  return null;
}

function readCues(content: Buffer, segmentFrom: number): Cue[] | null {
  const cues: Cue[] = [];
  for (const point of inside(content, ID.cuePoint)) {
    const time = readNumber(inside(point, ID.cueTime)[0] ?? Buffer.alloc(9));
    for (const position of inside(point, ID.cueTrackPositions)) {
      const track = readNumber(inside(position, ID.cueTrack)[0] ?? Buffer.alloc(9));
      const at = readNumber(inside(position, ID.cueClusterPosition)[0] ?? Buffer.alloc(9));
      if (time === null || track === null || at === null) return null;
      cues.push({ time, track, at: segmentFrom + at });
    }
  }
  return cues.length === 0 ? null : cues;
}

/** One stretch for each cluster that has a place, up to the next one that has. */
function listClusters(cues: readonly Cue[], info: Buffer, firstCluster: number, end: number) {
  const scale = readNumber(inside(info, ID.timestampScale)[0] ?? Buffer.alloc(9)) ?? DEFAULT_SCALE;
  const duration = readFraction(inside(info, ID.duration)[0] ?? Buffer.alloc(0));
  if (scale === 0 || duration === null) return null;
  const times = new Map<number, number>();
  for (const { at, time } of cues) times.set(at, Math.min(times.get(at) ?? time, time));
  if (!times.has(firstCluster)) times.set(firstCluster, 0);
  const places = [...times].sort(([a], [b]) => a - b);
  const tickSeconds = scale / NANOSECONDS;
  const list = { seconds: [] as number[], ranges: [] as ByteRange[], tickSeconds };
  for (const [nth, [at, time]] of places.entries()) {
    const [nextAt, nextTime] = places[nth + 1] ?? [end, Math.max(duration, time)];
    if (at < firstCluster || nextAt <= at || nextTime < time || nextAt > end) return null;
    list.seconds.push((nextTime - time) * tickSeconds);
    list.ranges.push({ start: at, end: nextAt });
  }
  return list;
}

function writeCue({ time, track }: Cue, position: number): Buffer {
  const where = element(
    ID.cueTrackPositions,
    numberElement(ID.cueTrack, track),
    numberElement(ID.cueClusterPosition, position),
  );
  return element(ID.cuePoint, numberElement(ID.cueTime, time), where);
}

/** The contents of the children of one kind. */
function inside(bytes: Buffer, id: number): Buffer[] {
  return childrenOf(bytes)
    .filter((child) => child.id === id)
    .map(({ from, to }) => bytes.subarray(from, to ?? from));
}

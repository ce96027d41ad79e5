/**
 * Where a stream can be cut without re-encoding (jobs API 11.5). Pure: from the packets around the two ends of a clip, in
 * decoding order and in ticks of the stream's clock, to what is copied and what has to be encoded again.
 *
 * A copied picture can begin at a keyframe only. It can end between two packets, if no picture before the end is decoded
 * after one behind it; with B-frames most places are not such a place.
 */
export interface Packet {
  pts: number;
  dts: number;
  key: boolean;
}

/** Pictures from `first` on, in the order of their times. */
export interface EncodedPart {
  first: number;
  /** Halfway to the picture before: reading from here on begins with `first`, however times are rounded. */
  seek: number;
  pictures: number;
}

/** Packets as they are, from this keyframe on. */
export interface CopiedPart {
  key: Packet;
  /** Decoding time at which copying ends: between the last packet and the one after it. Null: to the end of the stream. */
  untilDts: number | null;
}

/** `all`: no keyframe in the clip, so that all of it is one partial group of pictures. `open`: no group stands alone. */
export type SmartCut =
  | { kind: "all" }
  | { kind: "open" }
  | { kind: "join"; head: EncodedPart | null; middle: CopiedPart; tail: EncodedPart | null };

export interface KeyframeCut extends CopiedPart {
  /** Time of the first picture that is left out; null when none is. */
  end: number | null;
}

/** Times that differ by less than this many ticks are the same one: a site counts in milliseconds. */
export interface Bounds {
  start: number;
  /** Null: to the end. */
  end: number | null;
  tolerance: number;
}

/**
 * @param atStart From a keyframe before the start to one after it, or as far as it makes sense to look.
 * @param atEnd From a keyframe before the end to some packets after it; empty when the clip has no end.
 * @returns null when there is no picture at or after `bounds.start`.
 */
export function smartCut(atStart: readonly Packet[], atEnd: readonly Packet[], bounds: Bounds): SmartCut | null {
  const { start, end, tolerance } = bounds;
  const within = atStart.filter(({ pts }) => pts >= start - tolerance && (end === null || pts < end - tolerance));
  if (within.length === 0) return null;
  const keys = within.filter((packet) => packet.key);
  if (keys.length === 0) return { kind: "all" };
  const resume = atStart.find((packet, at) => packet.key && packet.pts >= start - tolerance && isClosed(atStart, at));
  if (resume === undefined || (end !== null && resume.pts >= end - tolerance)) return { kind: "open" };
  const before = within.filter(({ pts }) => pts < resume.pts);
  const head = before.length === 0 ? null : encoded(atStart, before);
  if (end === null) return { kind: "join", head, middle: { key: resume, untilDts: null }, tail: null };
  const last = endOf(atEnd, resume, end - tolerance);
  // A group of which less is copied than the time by which its packets run ahead: too little to be worth a joint.
  if (last === null || (last.untilDts !== null && last.untilDts <= resume.pts)) return { kind: "all" };
  return { kind: "join", head, middle: { key: resume, untilDts: last.untilDts }, tail: last.tail };
}

/** Copies whole: from the last keyframe before the start to the first place behind the end where that is possible. */
export function keyframeCut(atStart: readonly Packet[], atEnd: readonly Packet[], bounds: Bounds): KeyframeCut | null {
  const { start, end, tolerance } = bounds;
  const keys = atStart.filter((packet) => packet.key && packet.pts <= start + tolerance);
  const key = keys.toSorted((a, b) => b.pts - a.pts)[0] ?? atStart.find((packet) => packet.key);
  if (key === undefined) return null;
  if (end === null) return { key, untilDts: null, end };
  // One past the last packet that is wanted; from there on to where nothing that has gone by is shown after what is left.
  const least = atEnd.findLastIndex(({ pts }) => pts < end - tolerance) + 1;
  const at = atEnd.findIndex((_, from) => from >= least && latest(atEnd.slice(0, from)) < earliest(atEnd.slice(from)));
  // None: the pictures that are left belong to what is wanted.
  if (at < 0) return { key, untilDts: null, end: null };
  return { key, untilDts: between(atEnd, at), end: earliest(atEnd.slice(at)) };
}

/** Where copying ends, and what of the last group is encoded instead; null when no group in between stays whole. */
function endOf(packets: readonly Packet[], resume: Packet, end: number) {
  if (!packets.some(({ pts }) => pts >= end)) return { untilDts: null, tail: null };
  const from = packets.findLastIndex((packet, at) => packet.key && packet.pts <= end && isClosed(packets, at));
  const key = packets[from];
  if (key === undefined || key.pts < resume.pts) return null;
  const group = packets.slice(from);
  const wanted = group.filter(({ pts }) => pts < end);
  if (wanted.length === 0) return { untilDts: between(packets, from), tail: null };
  // Without B-frames, or by luck: what is wanted is what comes first.
  const clean = group.slice(0, wanted.length).every(({ pts }) => pts < end);
  if (clean) return { untilDts: between(packets, from + wanted.length), tail: null };
  if (key.pts === resume.pts) return null;
  return { untilDts: between(packets, from), tail: encoded(packets, wanted) };
}

/** No picture of this group is shown before its keyframe, and none of the groups before is shown after it. */
function isClosed(packets: readonly Packet[], at: number): boolean {
  const key = packets[at]?.pts ?? 0;
  return packets.every(({ pts }, index) => (index < at ? pts < key : pts >= key));
}

function encoded(packets: readonly Packet[], wanted: readonly Packet[]): EncodedPart {
  const first = earliest(wanted);
  const before = latest(packets.filter(({ pts }) => pts < first));
  return { first, seek: Number.isFinite(before) ? (first + before) / 2 : first, pictures: wanted.length };
}

/** A decoding time between a packet and the one before it, which may not be known. */
function between(packets: readonly Packet[], at: number): number {
  const dts = packets[at]?.dts ?? 0;
  return ((packets[at - 1]?.dts ?? dts - 1) + dts) / 2;
}

function earliest(packets: readonly Packet[]): number {
  return packets.reduce((least, { pts }) => Math.min(least, pts), Number.POSITIVE_INFINITY);
}

function latest(packets: readonly Packet[]): number {
  return packets.reduce((most, { pts }) => Math.max(most, pts), Number.NEGATIVE_INFINITY);
}

/**
 * Reads the boxes of MP4 files (ISO/IEC 14496-12), a stranger's too, and patches those that our own ffmpeg wrote a moment ago.
 */
import type { FileHandle } from "node:fs/promises";

export interface Box {
  type: string;
  /** Offset of its header. */
  at: number;
  size: number;
}

const HEADER_BYTES = 8;
const LONG_HEADER_BYTES = 16;

/** The top-level boxes of a file, `max` at most; what follows something that is no box is left out. */
export async function topBoxes(file: FileHandle, max = Number.POSITIVE_INFINITY): Promise<Box[]> {
  const { size } = await file.stat();
  const header = Buffer.alloc(LONG_HEADER_BYTES);
  const boxes: Box[] = [];
  for (let at = 0; boxes.length < max && at + HEADER_BYTES <= size; ) {
    const { bytesRead } = await file.read(header, 0, LONG_HEADER_BYTES, at);
    const box = readBoxHeader(header.subarray(0, bytesRead), at, size);
    if (box === null) break;
    boxes.push(box);
    at += box.size;
  }
  return boxes;
}

/**
 * The box whose header is in front of these bytes: 16, or what there is up to the end of the file.
 *
 * @param at Where in the file that is.
 * @param end Of the file.
 * @returns null when it is none.
 */
export function readBoxHeader(bytes: Buffer, at: number, end: number): Box | null {
  if (bytes.length < HEADER_BYTES) return null;
  const short = bytes.readUInt32BE(0);
  // 1: a 64-bit length follows; 0: this box reaches to the end.
  const long = bytes.length < LONG_HEADER_BYTES ? 0 : Number(bytes.readBigUInt64BE(8));
  const size = short === 1 ? long : short === 0 ? end - at : short;
  return size < HEADER_BYTES ? null : { type: bytes.toString("latin1", 4, 8), at, size };
}

/** More than any box holds of others; a stranger may have filled megabytes with empty ones. */
const MAX_BOXES_INSIDE = 4_096;

/** The boxes inside a piece of memory. */
export function boxesIn(bytes: Buffer, from = 0, to = bytes.length): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at + HEADER_BYTES <= to && boxes.length < MAX_BOXES_INSIDE; ) {
    const size = bytes.readUInt32BE(at);
    if (size < HEADER_BYTES || at + size > to) break;
    boxes.push({ type: bytes.toString("latin1", at + 4, at + 8), at, size });
    at += size;
  }
  return boxes;
}

/** Bytes before the first box inside; other boxes have none. */
const PREAMBLE: Readonly<Record<string, number>> = { stsd: 8, avc1: 78 };

/** The chain of boxes down to the last name of `path`, outermost first; null when one of them is missing. */
export function findPath(bytes: Buffer, path: readonly string[]): Box[] | null {
  const chain: Box[] = [];
  let [from, to] = [0, bytes.length];
  for (const name of path) {
    const box = boxesIn(bytes, from, to).find(({ type }) => type === name);
    if (box === undefined) return null;
    chain.push(box);
    from = box.at + HEADER_BYTES + (PREAMBLE[name] ?? 0);
    to = box.at + box.size;
  }
  return chain;
}

/** The same bytes with other contents in the last box of the path; the boxes around it grow or shrink with it. */
export function replaceContent(bytes: Buffer, path: readonly string[], content: Buffer): Buffer | null {
  const chain = findPath(bytes, path);
  const last = chain?.at(-1);
  if (chain === null || last === undefined) return null;
  const start = last.at + HEADER_BYTES;
  const grown = Buffer.concat([bytes.subarray(0, start), content, bytes.subarray(last.at + last.size)]);
  for (const box of chain) grown.writeUInt32BE(box.size + grown.length - bytes.length, box.at);
  return grown;
}

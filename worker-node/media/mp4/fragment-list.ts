/** The list of a file's fragments (`sidx`, ISO/IEC 14496-12 section 8.16.3): how long each is shown, and where it lies. */
import type { ByteRange } from "../../fetch/ranges.ts";

const ENTRY_BYTES = 12;
/** Before the first entry, with times and offsets of 32 bits, and of 64. */
const HEAD_BYTES = { short: 32, long: 40 };

export interface FragmentList {
  seconds: number[];
  /** One behind the other. */
  ranges: ByteRange[];
}

/**
 * @param sidx The whole box.
 * @param end Where in the file it ends: fragments are counted from there.
 * @param total Bytes of the file.
 * @returns null for lists of lists, and for fragments that lie where the file is not.
 */
export function readFragmentList(sidx: Buffer, end: number, total: number): FragmentList | null {
  const long = sidx[8] === 1;
  const head = long ? HEAD_BYTES.long : HEAD_BYTES.short;
  if (sidx.length < head) return null;
  const timescale = sidx.readUInt32BE(16);
  const count = sidx.readUInt16BE(head - 2);
  if (timescale === 0 || count === 0 || head + count * ENTRY_BYTES > sidx.length) return null;
  let at = end + (long ? Number(sidx.readBigUInt64BE(28)) : sidx.readUInt32BE(24));
  const list: FragmentList = { seconds: [], ranges: [] };
  for (let entry = 0; entry < count; entry++) {
    const from = head + entry * ENTRY_BYTES;
    // The highest bit: it refers to another list.
    const size = sidx.readInt32BE(from);
    if (size <= 0 || at + size > total) return null;
    list.seconds.push(sidx.readUInt32BE(from + 4) / timescale);
    list.ranges.push({ start: at, end: at + size });
    at += size;
  }
  return list;
}

/** Parameter sets of H.264 in the form that MP4 keeps them (`avcC`, ISO/IEC 14496-15 section 5.3.3). */

export interface AvcConfig {
  /** Version, profile, compatibility, level, and the bits that hold the length of lengths. */
  head: Buffer;
  sps: Buffer[];
  pps: Buffer[];
  /** Chroma format and bit depths, of the High profiles only. */
  tail: Buffer;
}

const HEAD_BYTES = 5;
const MAX_SPS = 31;
/** x264 numbers both of its sets alike, and takes no more than this. */
const MAX_ID = 31;
const COUNT_BITS = 0x1f;

/** Null when the bytes are something else, or cut short. */
export function parseAvcConfig(bytes: Buffer): AvcConfig | null {
  if (bytes.length <= HEAD_BYTES || bytes[0] !== 1) return null;
  let at = HEAD_BYTES;
  const sets = (count: number): Buffer[] | null => {
    const found: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      if (at + 2 > bytes.length) return null;
      const length = bytes.readUInt16BE(at);
      if (length === 0 || at + 2 + length > bytes.length) return null;
      found.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return found;
  };
  const sps = sets((bytes[at++] ?? 0) & COUNT_BITS);
  const pps = sps === null ? null : sets(bytes[at++] ?? 0);
  if (sps === null || pps === null || sps.length === 0 || pps.length === 0) return null;
  return { head: bytes.subarray(0, HEAD_BYTES), sps, pps, tail: bytes.subarray(at) };
}

/** One configuration with the sets of both, under the profile and level of the first; null when they are too many. */
export function joinAvcConfigs(first: AvcConfig, others: readonly AvcConfig[]): Buffer | null {
  const sps = distinct([first, ...others].flatMap((one) => one.sps));
  const pps = distinct([first, ...others].flatMap((one) => one.pps));
  if (sps.length > MAX_SPS || pps.length > 255) return null;
  const listed = (sets: readonly Buffer[]) =>
    sets.flatMap((set) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(set.length);
      return [length, set];
    });
  const [spsCount, ppsCount] = [Buffer.of(0xe0 | sps.length), Buffer.of(pps.length)];
  return Buffer.concat([first.head, spsCount, ...listed(sps), ppsCount, ...listed(pps), first.tail]);
}

/** The highest number that no set of the configuration has; null when all are taken. */
export function freeSetId(config: AvcConfig): number | null {
  // One byte of NAL header, and three of profile and level before the number of an SPS.
  const taken = new Set([...config.sps.map((set) => expGolomb(set, 4)), ...config.pps.map((set) => expGolomb(set, 1))]);
  for (let id = MAX_ID; id >= 0; id--) if (!taken.has(id)) return id;
  return null;
}

function distinct(sets: readonly Buffer[]): Buffer[] {
  return sets.filter((set, at) => sets.findIndex((other) => other.equals(set)) === at);
}

/** The unsigned number at the start of a byte (H.264 section 9.1); ids are small, so a few bytes hold it. */
function expGolomb(bytes: Buffer, at: number): number {
  const bits = [...bytes.subarray(at, at + 4)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const zeros = bits.indexOf("1");
  return zeros < 0 ? 0 : Number.parseInt(bits.slice(zeros, 2 * zeros + 1), 2) - 1;
}

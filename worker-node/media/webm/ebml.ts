/** Elements of WebM and Matroska (RFC 8794): read out of a stranger's bytes, and written. */

export interface Element {
  id: number;
  /** Where its contents begin. */
  from: number;
  /** One past their end; null when its header does not say (a recording that nobody finished). */
  to: number | null;
}

/** Of the longest header: four bytes of id and eight of size. */
export const HEADER_BYTES = 12;
/** A list of places has the most: one a second for half a day. */
const MAX_CHILDREN = 50_000;

/**
 * The element whose header is at `at` of `bytes`; null when there is none.
 *
 * @param base Where in the file `bytes` begin: places are those of the file.
 */
export function readElement(bytes: Buffer, at: number, base = 0): Element | null {
  const idBytes = lengthOf(bytes[at]);
  const sizeAt = at + idBytes;
  const sizeBytes = lengthOf(bytes[sizeAt]);
  if (idBytes > 4 || sizeBytes > 8 || sizeAt + sizeBytes > bytes.length) return null;
  let size = (bytes[sizeAt] ?? 0) & (0xff >> sizeBytes);
  let unknown = size === 0xff >> sizeBytes;
  for (let byte = 1; byte < sizeBytes; byte++) {
    const value = bytes[sizeAt + byte] ?? 0;
    size = size * 256 + value;
    unknown &&= value === 0xff;
  }
  const from = base + sizeAt + sizeBytes;
  const to = unknown ? null : from + size;
  return to !== null && !Number.isSafeInteger(to) ? null : { id: bytes.readUIntBE(at, idBytes), from, to };
}

/** The elements inside a piece of memory; what follows something that is none is left out. */
export function childrenOf(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length && found.length < MAX_CHILDREN; ) {
    const element = readElement(bytes, at);
    if (element === null || element.to === null || element.to > bytes.length) break;
    found.push(element);
    at = element.to;
  }
  return found;
}

/** A whole number of at most 53 bits; null for one that is longer. */
export function readNumber(bytes: Buffer): number | null {
  const value = bytes.length > 8 ? Number.NaN : bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return Number.isSafeInteger(value) ? value : null;
}

/** A fraction, in four or eight bytes. */
export function readFraction(bytes: Buffer): number | null {
  const value = bytes.length === 4 ? bytes.readFloatBE(0) : bytes.length === 8 ? bytes.readDoubleBE(0) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

/** Its header takes as many bytes whatever is in it: places are known before they are written. */
export function element(id: number, ...contents: readonly Buffer[]): Buffer {
  const name = Buffer.from(id.toString(16), "hex");
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(contents.reduce((sum, { length }) => sum + length, 0)), 0);
  size[0] = 0x01;
  return Buffer.concat([name, size, ...contents]);
}

export function numberElement(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value), 0);
  return element(id, bytes);
}

export function fractionElement(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value, 0);
  return element(id, bytes);
}

/** Leading zeros of the first byte say how long a number is; 9 for none. */
function lengthOf(first: number | undefined): number {
  return first === undefined || first === 0 ? 9 : Math.clz32(first) - 23;
}

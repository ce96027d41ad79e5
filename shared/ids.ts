/** UUID v7: drawn ids and derived ones (jobs API 1.1; DESIGN section 2, Courier). */
import { toHex } from "./hex.ts";

/** Sixteen bytes → the 36-character lower-case text. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Lays time, version and variant over sixteen bytes (RFC 9562 section 5.7). */
function stamp(bytes: Uint8Array, unixMs: number): Uint8Array {
  let time = unixMs;
  for (let index = 5; index >= 0; index--) {
    bytes[index] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}

/**
 * A UUID v7 from a time and at least ten random (or hashed) bytes.
 *
 * @example uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(10)))
 */
export function uuidv7(unixMs: number, entropy: Uint8Array): string {
  const bytes = new Uint8Array(16);
  bytes.set(entropy.subarray(0, 10), 6);
  return formatUuid(stamp(bytes, unixMs));
}

/**
 * As `uuidv7`, for the `index`th of several that are made at one moment: their ids sort as they are counted (RFC 9562 section
 * 6.2, a counter before the random bits). Up to 262,144 of them; 56 bits stay random.
 */
export function nthUuidv7(unixMs: number, entropy: Uint8Array, index: number): string {
  const bits = entropy.slice(0, 10);
  bits.set([(index >> 14) & 0x0f, (index >> 6) & 0xff, index & 0x3f]);
  return uuidv7(unixMs, bits);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a path segment can be an id at all; anything else is answered like an unknown id. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

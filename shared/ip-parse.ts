/**
 * IP addresses in every spelling that a resolver or a URL parser may accept. Pure.
 *
 * Sources: RFC 4291 (IPv6 text); the `inet_aton` forms of BSD, which most resolvers still accept and the WHATWG URL
 * standard codifies.
 */

/** An address as bytes: 4 or 16 of them. */
export type AddressBytes = readonly number[];

const IPV4_PIECES_MAX = 4;
const IPV6_PIECES = 8;

/**
 * IPv4 text → 4 bytes, or null. Takes decimal, hexadecimal (`0x7f.1`), octal (`0177.0.0.1`), the short forms
 * (`127.1`, `2130706433`) and one trailing dot.
 */
export function parseIPv4(text: string): AddressBytes | null {
  const pieces = text.replace(/\.$/, "").split(".");
  if (pieces.length > IPV4_PIECES_MAX) return null;
  const numbers = pieces.map(parseIPv4Piece);
  let value = 0;
  for (const [index, number] of numbers.entries()) {
    if (number === null) return null;
    const last = index === numbers.length - 1;
    // The last piece fills all bytes that are left: `127.1` is 127.0.0.1.
    const limit = last ? 256 ** (IPV4_PIECES_MAX - index) : 256;
    if (number >= limit) return null;
    value += last ? number : number * 256 ** (IPV4_PIECES_MAX - 1 - index);
  }
  return bytesOf(value, 4);
}

function parseIPv4Piece(text: string): number | null {
  // Not `Number(text)`: it knows no octal, and takes signs, blanks and exponents. Digits past 10^15 are too many anyway.
  if (/^0x[0-9a-f]*$/i.test(text)) return text.length === 2 ? 0 : Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9][0-9]*$/.test(text) ? Number.parseInt(text, 10) : null;
}

/** IPv6 text → 16 bytes, or null. Takes brackets, a zone (`%eth0`), `::` and an IPv4 tail. */
export function parseIPv6(text: string): AddressBytes | null {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const halves = bare.split("::");
  if (halves.length > 2) return null;
  const head = parseIPv6Half(halves[0] ?? "");
  const tail = halves.length === 2 ? parseIPv6Half(halves[1] ?? "") : [];
  if (head === null || tail === null) return null;
  // An IPv4 form ends the address, so nothing may follow it.
  if (halves.length === 2 && (halves[0] ?? "").includes(".")) return null;
  const missing = IPV6_PIECES - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const pieces = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return pieces.flatMap((piece) => [piece >> 8, piece & 255]);
}

function parseIPv6Half(text: string): number[] | null {
  if (text === "") return [];
  const pieces: number[] = [];
  const texts = text.split(":");
  for (const [index, piece] of texts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(piece)) {
      pieces.push(Number.parseInt(piece, 16));
    } else if (index === texts.length - 1 && /^\d{1,3}(\.\d{1,3}){3}$/.test(piece)) {
      const bytes = piece.split(".").map(Number);
      if (bytes.some((byte) => byte > 255)) return null;
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      pieces.push(a * 256 + b, c * 256 + d);
    } else {
      return null;
    }
  }
  return pieces;
}

/** An IP literal of either family, as a host name in a URL or from a resolver; null for names. */
export function parseAddress(text: string): AddressBytes | null {
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

/** `length` bytes of a number, most significant first. */
function bytesOf(value: number, length: number): AddressBytes {
  return Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256);
}

/** The plain text of an address: dotted decimal, or eight groups of hexadecimal. */
export function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: IPV6_PIECES }, (_, index) => {
    return ((bytes[index * 2] ?? 0) * 256 + (bytes[index * 2 + 1] ?? 0)).toString(16);
  });
  return groups.join(":");
}

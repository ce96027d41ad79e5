/**
 * Single characters, and `\w`, `\d` and `\s` as they stand inside a set: Python's know Unicode, those of JavaScript and RE2 do
 * not. The opposites are written out too, because a set of RE2 cannot hold another.
 */

const CONNECTORS_BUT_UNDERSCORE = "\u203f\u2040\u2054\ufe33\ufe34\ufe4d-\ufe4f\uff3f";
const UNICODE: Record<string, string> = {
  "\\w": "\\p{L}\\p{N}_",
  "\\W": `\\p{M}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\\p{Po}\\p{S}\\p{Z}\\p{C}${CONNECTORS_BUT_UNDERSCORE}`,
  "\\d": "\\p{Nd}",
  "\\D": "\\P{Nd}",
  // `str.isspace`: also the four information separators, and not the byte order mark.
  "\\s": "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
  "\\S":
    "\0-\x08\x0e-\x1b\x21-\x84\x86-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\u{10ffff}",
};
const ASCII: Record<string, string> = {
  "\\w": "A-Za-z0-9_",
  "\\W": "\0-/:-@\\[-\\^`{-\u{10ffff}",
  "\\d": "0-9",
  "\\D": "\0-/:-\u{10ffff}",
  "\\s": "\t-\r ",
  "\\S": "\0-\x08\x0e-\x1f!-\u{10ffff}",
};
const CONTROLS: Record<string, string> = {
  "\\a": "\x07",
  "\\f": "\f",
  "\\n": "\n",
  "\\r": "\r",
  "\\t": "\t",
  "\\v": "\v",
};
const LAST_CODE = 0x10ffff;

/** The inside of a set that takes what `\w`, `\D` and so on take; undefined when the token names no class. */
export function classInside(token: string, ascii: boolean): string | undefined {
  return (ascii ? ASCII : UNICODE)[token];
}

/** The one character that a token stands for; null for an escape that Python does not know. */
export function characterOf(token: string): string | null {
  if (!/^\\[0-9A-Za-z]/.test(token)) return token.startsWith("\\") ? token.slice(1) : token;
  const digits = /^\\[xuU](.+)$/.exec(token)?.[1];
  const octal = /^\\([0-3]?[0-7]{1,2})$/.exec(token)?.[1];
  const code = digits === undefined ? Number.parseInt(octal ?? "", 8) : Number.parseInt(digits, 16);
  if (code <= LAST_CODE) return String.fromCodePoint(code);
  return CONTROLS[token] ?? null;
}

/** One character outside of sets. */
export function literal(character: string): string {
  return /^[\\^$.*+?()[\]{}|]$/.test(character) ? `\\${character}` : character;
}

export function literalInSet(character: string): string {
  return /^[\\^[\]-]$/.test(character) ? `\\${character}` : character;
}

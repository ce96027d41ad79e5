import { pythonRepr } from "../python-repr.ts";
import type { Reader } from "./reader.ts";
import { lengthOf } from "./reader.ts";

const CONTROLS: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 0x5c };
const HEX = /^[0-9A-Fa-f]$/;
const OCTAL = /^[0-7]$/;
const DIGIT = /^[0-9]$/;
const HEX_DIGITS: Record<string, number> = { x: 2, u: 4, U: 8 };
const LAST_OCTAL = 0o377;
const LAST_CODE = 0x10ffff;

/** An escape that stands for one character, whether in a set or outside; the token was just taken. */
function character(reader: Reader, token: string): number {
  const letter = token.slice(1);
  const digits = HEX_DIGITS[letter];
  if (digits !== undefined) return hexadecimal(reader, token, digits);
  if (letter === "N") return namedCharacter(reader);
  // Any other letter of ASCII is kept for what may come; what is no letter stands for itself.
  if (/^[A-Za-z0-9]$/.test(letter)) throw reader.error(`bad escape ${token}`, lengthOf(token));
  return letter.codePointAt(0) ?? 0;
}

function hexadecimal(reader: Reader, token: string, digits: number): number {
  const text = token + reader.takeWhile(digits, HEX);
  if (text.length !== digits + 2) throw reader.error(`incomplete escape ${text}`, text.length);
  const code = Number.parseInt(text.slice(2), 16);
  if (code > LAST_CODE) throw reader.error(`bad escape ${text}`, text.length);
  return code;
}

/** `\N{EM DASH}`: the table of names is 600 KB, so that no name is known here. */
function namedCharacter(reader: Reader): never {
  if (!reader.takeIf("{")) throw reader.error("missing {");
  const name = reader.takeUntil("}", "character name");
  throw reader.error(`undefined character name ${pythonRepr(name)}`, lengthOf(name) + "\\N{}".length);
}

function octal(reader: Reader, text: string): number {
  const code = Number.parseInt(text.slice(1), 8);
  if (code > LAST_OCTAL) {
    throw reader.error(`octal escape value ${text} outside of range 0-0o377`, text.length);
  }
  return code;
}

/** Inside a set. */
export function setEscape(reader: Reader, token: string): number {
  const letter = token.slice(1);
  const control = CONTROLS[letter];
  if (control !== undefined) return control;
  if (OCTAL.test(letter)) return octal(reader, token + reader.takeWhile(2, OCTAL));
  return character(reader, token);
}

/** Outside a set: a character, or the number of a group whose text comes again. */
export function plainEscape(reader: Reader, token: string): { code: number } | { group: number; text: string } {
  const letter = token.slice(1);
  const control = letter === "b" ? undefined : CONTROLS[letter];
  if (control !== undefined) return { code: control };
  if (letter === "0") return { code: Number.parseInt(token.slice(1) + reader.takeWhile(2, OCTAL), 8) };
  if (!DIGIT.test(letter)) return { code: character(reader, token) };
  let text = token + reader.takeWhile(1, DIGIT);
  // Three octal digits are a character; anything less is a group.
  if (/^\\[0-7]{2}$/.test(text) && reader.next !== null && OCTAL.test(reader.next)) {
    text += reader.take();
    return { code: octal(reader, text) };
  }
  return { group: Number(text.slice(1)), text };
}

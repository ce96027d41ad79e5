/** Which characters a part of a pattern takes. Python's classes are Unicode's, unlike those of JavaScript and of RE2. */

export interface Flags {
  ignoreCase: boolean;
  multiline: boolean;
  dotAll: boolean;
  ascii: boolean;
  verbose: boolean;
}

export type Test = (code: number) => boolean;

const NEWLINE = 0x0a;
const UNICODE_WORD = /^[\p{L}\p{N}_]$/u;
const UNICODE_DIGIT = /^\p{Nd}$/u;
/** `str.isspace`: also the four information separators, which JavaScript's class lacks, and not the byte order mark. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are white space to Python
const UNICODE_SPACE = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;
const ASCII: Record<string, RegExp> = { w: /^[A-Za-z0-9_]$/, d: /^[0-9]$/, s: /^[\t-\r ]$/ };
const UNICODE: Record<string, RegExp> = { w: UNICODE_WORD, d: UNICODE_DIGIT, s: UNICODE_SPACE };

const LAST_ASCII = 0x7f;
const CAPITAL_I_WITH_DOT = 0x130;

/** `\w`, `\D` and so on; null when the letter names no class. */
export function classOf(letter: string, flags: Flags): Test | null {
  const wanted = (flags.ascii ? ASCII : UNICODE)[letter.toLowerCase()];
  if (wanted === undefined) return null;
  const test: Test = (code) => wanted.test(String.fromCodePoint(code));
  return letter === letter.toLowerCase() ? test : (code) => !test(code);
}

/** What `.` takes. */
export function anyCharacter({ dotAll }: Flags): Test {
  return dotAll ? () => true : (code) => code !== NEWLINE;
}

export function literal(code: number, flags: Flags): Test {
  if (!flags.ignoreCase) return (other) => other === code;
  const key = keyOf(code, flags);
  return (other) => other === code || keyOf(other, flags) === key;
}

export function range(from: number, to: number, flags: Flags): Test {
  const inside: Test = (code) => from <= code && code <= to;
  if (!flags.ignoreCase) return inside;
  return (code) => {
    const small = lower(code, flags);
    const capital = upper(small, flags);
    // Small once more: of the long s the capital is S, and so it is among a to z.
    return inside(code) || inside(small) || inside(capital) || inside(lower(capital, flags));
  };
}

export function oneOf(tests: readonly Test[], negated: boolean): Test {
  return (code) => tests.some((test) => test(code)) !== negated;
}

/** Whether two characters are the same under the flags: a back-reference asks it too. */
export function sameLetter(left: number, right: number, flags: Flags): boolean {
  return left === right || (flags.ignoreCase && keyOf(left, flags) === keyOf(right, flags));
}

/** Letters with one capital are one letter: the long s is an s, both small sigmas are the same. */
function keyOf(code: number, flags: Flags): string {
  const small = String.fromCodePoint(lower(code, flags));
  return flags.ascii ? small : small.toUpperCase().toLowerCase();
}

function lower(code: number, { ascii }: Flags): number {
  return ascii && code > LAST_ASCII ? code : lowerOf(code);
}

function upper(code: number, { ascii }: Flags): number {
  return ascii && code > LAST_ASCII ? code : single(String.fromCodePoint(code).toUpperCase(), code);
}

function lowerOf(code: number): number {
  // Its lower case is an i and a combining dot; one for one, which is all that Python looks at, it is the i.
  if (code === CAPITAL_I_WITH_DOT) return 0x69;
  return single(String.fromCodePoint(code).toLowerCase(), code);
}

/** The one character of a text, else the fallback: matching goes character by character. */
function single(text: string, otherwise: number): number {
  const code = text.codePointAt(0) ?? otherwise;
  return String.fromCodePoint(code).length === text.length ? code : otherwise;
}

/** Which texts `optparse` takes for numbers: Python's literals, with spaces around them. */

const DIGITS = "[0-9](?:_?[0-9])*";
/** A leading 0 means octal to `optparse`, unless an x or a b follows; `0b` alone is 0. */
const INTEGERS = [
  "0[xX](?:_?[0-9a-fA-F])+",
  "0[bB]\\s*[+-]?[01](?:_?[01])*",
  "0[oO](?:_?[0-7])+",
  "0(?:_?[0-7])*",
  `(?!0)\\s*[+-]?${DIGITS}`,
];
const INTEGER = new RegExp(`^(?:0[bB]|(?:${INTEGERS.join("|")})\\s*)$`);
const FLOAT = new RegExp(
  `^\\s*[+-]?(?:(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:[eE][+-]?${DIGITS})?|inf(?:inity)?|nan)\\s*$`,
  "i",
);

export function isPythonInteger(text: string): boolean {
  return INTEGER.test(text);
}

export function isPythonFloat(text: string): boolean {
  return FLOAT.test(text);
}

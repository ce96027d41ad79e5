import { characterOf, classInside, literalInSet } from "./characters.ts";
import { INSIDE, type Tokens } from "./tokens.ts";

/** Reads `[…]`, whose bracket was just taken, and writes it for either engine. */
export function readSet(tokens: Tokens, flags: { ignoreCase: boolean; ascii: boolean }): string {
  const start = tokens.index - 1;
  const take = () => {
    const token = tokens.take(INSIDE);
    if (token === "") throw tokens.error("unterminated character set", start);
    return token;
  };
  let set = tokens.takeIf("^") ? "[^" : "[";
  let opposites = false;
  for (let token = take(), first = true; first || token !== "]"; token = take(), first = false) {
    const from = readSide(tokens, token, flags.ascii);
    opposites ||= token === "\\W";
    set += from;
    if (!tokens.takeIf("-")) continue;
    if (tokens.next === "]") {
      // A hyphen before the bracket is itself.
      set += "\\-";
      continue;
    }
    const last = take();
    const to = readSide(tokens, last, flags.ascii);
    const [low, high] = [codeOf(token, flags.ascii), codeOf(last, flags.ascii)];
    if (!(low <= high)) {
      const text = `${token}-${last}`;
      throw tokens.error(`bad character range ${text}`, tokens.index - text.length);
    }
    set += `-${to}`;
  }
  // Without case one mark (U+0345) is an iota, so that iota would be no letter.
  return opposites && flags.ignoreCase ? `(?-i:${set}])` : `${set}]`;
}

function readSide(tokens: Tokens, token: string, ascii: boolean): string {
  const inside = classInside(token, ascii);
  if (inside !== undefined) return inside;
  const character = token === "\\b" ? "\b" : characterOf(token);
  if (character === null) throw tokens.error(`bad escape ${token}`, tokens.index - token.length);
  return literalInSet(character);
}

/** Of a class, which no range can begin or end with, no number. */
function codeOf(token: string, ascii: boolean): number {
  if (classInside(token, ascii) !== undefined) return Number.NaN;
  return (token === "\\b" ? "\b" : characterOf(token))?.codePointAt(0) ?? Number.NaN;
}

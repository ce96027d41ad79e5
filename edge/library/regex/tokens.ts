import { RegexSyntaxError } from "./syntax.ts";

const HEX = "[0-9A-Fa-f]";
const NAME = "[\\p{XID_Start}_]\\p{XID_Continue}*";
const ESCAPE = `\\\\(?:x${HEX}{2}|u${HEX}{4}|U${HEX}{8}|[0-7]{3}|0[0-7]?|[1-9][0-9]?|[^])`;
const FLAGS = "[aimsux]+[):]|[aimsux]*-[imsx]+:";
const GROUP = `\\((?:\\?(?:P<${NAME}>|P=${NAME}\\)|<?[=!]|:|#[^)]*\\)|${FLAGS}))?`;
const REPEAT = "(?:[*+?]|\\{(?:[0-9]+,?|,)[0-9]*\\})\\??";

/** What one token may be: outside of a set, and inside of one. */
export const OUTSIDE = new RegExp(`${ESCAPE}|${GROUP}|${REPEAT}|[^]`, "uy");
export const INSIDE = new RegExp(`${ESCAPE}|[^]`, "uy");

/** Goes through a pattern of Python's by tokens. */
export class Tokens {
  readonly #pattern: string;
  /** Where the next token begins, in UTF-16 units. */
  index = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** The UTF-16 unit that comes; undefined at the end. */
  get next(): string | undefined {
    return this.#pattern[this.index];
  }

  /** The next token of this kind; empty at the end. */
  take(kind: RegExp): string {
    kind.lastIndex = this.index;
    const token = kind.exec(this.#pattern)?.[0] ?? "";
    this.index += token.length;
    return token;
  }

  takeIf(unit: string): boolean {
    if (this.next !== unit) return false;
    this.index += 1;
    return true;
  }

  /** In Python's wording, which counts code points. */
  error(text: string, index: number): RegexSyntaxError {
    return new RegexSyntaxError(`${text} at position ${lengthOf(this.#pattern.slice(0, index))}`);
  }
}

/** In code points. */
export function lengthOf(text: string): number {
  return Array.from(text).length;
}

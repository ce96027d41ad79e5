import { pythonRepr } from "../python-repr.ts";
import { RegexSyntaxError } from "./syntax.ts";

const NEWLINE = "\n";

/**
 * Reads a pattern by tokens, one ahead: a character, or a backslash with what follows it. Positions in messages count code
 * points, as Python's do.
 */
export class Reader {
  readonly #characters: readonly string[];
  #end = 0;
  /** The token that comes; null at the end. */
  next: string | null = null;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
    this.#advance();
  }

  /** Where the coming token begins. */
  get position(): number {
    return this.#end - (this.next === null ? 0 : lengthOf(this.next));
  }

  take(): string | null {
    const token = this.next;
    this.#advance();
    return token;
  }

  /** Takes the coming token if it is this one. */
  takeIf(token: string): boolean {
    if (this.next !== token) return false;
    this.#advance();
    return true;
  }

  /** Takes at most so many tokens of a kind. */
  takeWhile(most: number, kind: RegExp): string {
    let taken = "";
    for (let count = 0; count < most && this.next !== null && kind.test(this.next); count++) taken += this.take();
    return taken;
  }

  /** The text up to a terminator, which is taken too; `what` names it in messages. */
  takeUntil(terminator: string, what: string): string {
    let text = "";
    for (;;) {
      const token = this.take();
      if (token === null) {
        throw text === ""
          ? this.error(`missing ${what}`)
          : this.error(`missing ${terminator}, unterminated name`, lengthOf(text));
      }
      if (token === terminator) {
        if (text === "") throw this.error(`missing ${what}`, 1);
        return text;
      }
      text += token;
    }
  }

  /** Goes back to a position that was current before. */
  seek(position: number): void {
    this.#end = position;
    this.#advance();
  }

  /** A name of a group that was just taken, with its terminator. */
  checkName(name: string): void {
    if (/^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name)) return;
    throw this.error(`bad character in group name ${pythonRepr(name)}`, lengthOf(name) + 1);
  }

  /** Python's wording: the position is so many characters before the coming token. */
  error(text: string, back = 0): RegexSyntaxError {
    return this.errorAt(text, this.position - back);
  }

  errorAt(text: string, position: number): RegexSyntaxError {
    const before = this.#characters.slice(0, position);
    const place = this.#characters.includes(NEWLINE)
      ? ` (line ${before.filter((each) => each === NEWLINE).length + 1}, column ${position - before.lastIndexOf(NEWLINE)})`
      : "";
    return new RegexSyntaxError(`${text} at position ${position}${place}`);
  }

  #advance(): void {
    const character = this.#characters[this.#end];
    if (character !== "\\") {
      this.next = character ?? null;
      this.#end += character === undefined ? 0 : 1;
      return;
    }
    const escaped = this.#characters[this.#end + 1];
    if (escaped === undefined) throw this.errorAt("bad escape (end of pattern)", this.#characters.length - 1);
    this.next = `\\${escaped}`;
    this.#end += 2;
  }
}

/** In code points. */
export function lengthOf(text: string): number {
  return Array.from(text).length;
}

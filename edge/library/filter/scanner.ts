import { FilterSyntaxError } from "./errors.ts";

/** What stands between atoms. */
export type Mark = "(" | ")" | "&" | "||";

const SPACE = /\s/;
const SPACES = /\s*/y;
/** Longer ones first: `<=` is not `<` with the value `=`. */
const OPERATOR = /(?:[*^$~]=|<=|>=|[<>=])/y;
const NEGATED_OPERATOR = /!\s*(?=[*^$~]=|[<>=])/y;

/** Reads an expression from left to right, once: each step takes at least one character. */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpaces();
  }

  /** What has not been taken. */
  get rest(): string {
    return this.#text.slice(this.#at).trimEnd();
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** The mark that comes, without taking it; null where an atom comes, or the end. */
  peekMark(): Mark | null {
    const character = this.#text[this.#at];
    if (character === "(" || character === ")" || character === "&") return character;
    return this.#text.startsWith("||", this.#at) ? "||" : null;
  }

  takeMark(mark: Mark): void {
    this.#at += mark.length;
    this.#skipSpaces();
  }

  /**
   * Takes an atom: up to the next mark or space outside quotes, but for the spaces around its operator and its `!`.
   *
   * @throws FilterSyntaxError for a quote without its end.
   */
  takeAtom(): string {
    let atom = "";
    let operatorTaken = false;
    if (this.#text[this.#at] === "!") {
      atom = "!";
      this.#at += 1;
      this.#skipSpaces();
    }
    while (!this.atEnd && this.peekMark() === null) {
      if (SPACE.test(this.#character())) {
        if (operatorTaken || !this.#operatorFollows()) break;
        this.#skipSpaces();
      }
      const operator = operatorTaken ? null : this.#takeOperator();
      if (operator === null) atom += this.#takePiece();
      else {
        atom += operator;
        operatorTaken = true;
      }
    }
    this.#skipSpaces();
    return atom;
  }

  /** `!`, the operator and `?`, with the spaces that may stand between and after them. */
  #takeOperator(): string | null {
    const negation = this.#match(NEGATED_OPERATOR);
    if (negation !== null) this.#at += negation.length;
    const operator = this.#match(OPERATOR);
    if (operator === null) return null;
    this.#at += operator.length;
    const taken = `${negation === null ? "" : "!"}${operator}`;
    // After `>?` the value follows at once: a space there ends the atom.
    if (this.#text[this.#at] !== "?") this.#skipSpaces();
    return taken;
  }

  /** One character, an escape with what it protects, or all of a quoted text. */
  #takePiece(): string {
    const character = this.#character();
    const end = character === "'" || character === '"' ? this.#quoteEnd(character) : this.#at + pieceLength(character);
    const piece = this.#text.slice(this.#at, end);
    this.#at += piece.length;
    return piece;
  }

  #quoteEnd(quote: string): number {
    for (let at = this.#at + 1; at < this.#text.length; at += pieceLength(this.#text[at])) {
      if (this.#text[at] === quote) return at + 1;
    }
    throw new FilterSyntaxError("Unterminated quoted string in filter expression");
  }

  #operatorFollows(): boolean {
    const spaces = this.#match(SPACES) ?? "";
    const at = this.#at + spaces.length;
    return matchAt(OPERATOR, this.#text, at) !== null || matchAt(NEGATED_OPERATOR, this.#text, at) !== null;
  }

  #character(): string {
    return this.#text[this.#at] ?? "";
  }

  #match(pattern: RegExp): string | null {
    return matchAt(pattern, this.#text, this.#at);
  }

  #skipSpaces(): void {
    this.#at += this.#match(SPACES)?.length ?? 0;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** A backslash protects what follows it. */
function pieceLength(character: string | undefined): number {
  return character === "\\" ? 2 : 1;
}

import { pythonRepr } from "../python-repr.ts";
import { lengthOf, type Reader } from "./reader.ts";
import { type Node, type Pattern, RegexSyntaxError, type Width } from "./syntax.ts";
import { widthOf } from "./width.ts";

/** The groups of one pattern while it is read: their numbers and names, and who refers to them. */
export class Groups {
  readonly #reader: Reader;
  readonly #names = new Map<string, number>();
  readonly #widths = new Map<number, Width>();
  readonly #asked = new Set<number>();
  /** Conditions may name a group that comes later: checked at the end. */
  readonly #conditions = new Map<number, number>();
  #count = 0;
  /** How many groups there were where the outermost look-behind began; null outside of one. */
  #behind: number | null = null;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  open(name: string | null): number {
    this.#count += 1;
    if (name === null) return this.#count;
    const known = this.#names.get(name);
    if (known !== undefined) {
      const text = `redefinition of group name ${pythonRepr(name)} as group ${this.#count}; was group ${known}`;
      throw this.#reader.error(text, lengthOf(name) + 1);
    }
    this.#names.set(name, this.#count);
    return this.#count;
  }

  close(number: number, content: Node): void {
    this.#widths.set(number, widthOf(content, this.#widths));
  }

  /** A back-reference by number; the text of it was just taken. */
  refer(number: number, length: number): number {
    if (number > this.#count) throw this.#reader.error(`invalid group reference ${number}`, length - 1);
    return this.#ask(number, length);
  }

  /** A back-reference by name. */
  referByName(name: string): number {
    return this.#ask(this.numberOf(name), lengthOf(name) + 1);
  }

  numberOf(name: string): number {
    const number = this.#names.get(name);
    if (number === undefined) throw this.#reader.error(`unknown group name ${pythonRepr(name)}`, lengthOf(name) + 1);
    return number;
  }

  /** `(?(1)…)`, the number being at this position. */
  condition(number: number, position: number): number {
    if (!this.#conditions.has(number)) this.#conditions.set(number, position);
    this.#checkBehind(number);
    this.#asked.add(number);
    return number;
  }

  /** Reads what stands inside a look-behind. */
  insideBehind<T>(read: () => T): T {
    const outer = this.#behind;
    this.#behind = outer ?? this.#count;
    const result = read();
    this.#behind = outer;
    return result;
  }

  finish(): Pick<Pattern, "asked" | "widths"> {
    for (const [number, position] of this.#conditions) {
      if (number > this.#count) throw this.#reader.errorAt(`invalid group reference ${number}`, position);
    }
    return { asked: this.#asked, widths: this.#widths };
  }

  #ask(number: number, back: number): number {
    if (!this.#widths.has(number)) throw this.#reader.error("cannot refer to an open group", back);
    this.#checkBehind(number);
    this.#asked.add(number);
    return number;
  }

  #checkBehind(number: number): void {
    if (this.#behind === null) return;
    if (!this.#widths.has(number)) throw this.#reader.error("cannot refer to an open group");
    if (number > this.#behind) {
      throw this.#reader.error("cannot refer to group defined in the same lookbehind subpattern");
    }
  }
}

/** Python says it without a position: it finds out when the pattern was read. */
export function checkFixedWidth([least, most]: Width): void {
  if (least !== most) throw new RegexSyntaxError("look-behind requires fixed-width pattern");
}

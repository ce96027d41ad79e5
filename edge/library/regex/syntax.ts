/** The tree that a pattern in Python's syntax becomes, and the two ways in which a pattern is refused. */

/** A text as Python sees it: code points, not UTF-16 units. */
export type Codes = readonly number[];

export type Node =
  /** One character. */
  | { kind: "one"; matches(code: number): boolean }
  | { kind: "sequence"; items: readonly Node[] }
  | { kind: "either"; branches: readonly Node[] }
  | { kind: "repeat"; of: Node; min: number; max: number; mode: "greedy" | "lazy" | "possessive" }
  /** `number` is null for what only holds together: `(?:…)`. */
  | { kind: "group"; number: number | null; of: Node }
  /** A place between two characters: `^`, `$`, `\b`. */
  | { kind: "place"; holds(text: Codes, at: number): boolean }
  | { kind: "look"; ahead: boolean; negative: boolean; of: Node }
  /** The text of an earlier group again. */
  | { kind: "again"; group: number; same(left: number, right: number): boolean }
  | { kind: "atomic"; of: Node }
  | { kind: "if"; group: number; yes: Node; no: Node };

export interface Pattern {
  root: Node;
  /** Groups that something in the pattern asks for; only these are remembered while matching. */
  asked: ReadonlySet<number>;
  /** Fewest and most characters of each group, by number. */
  widths: ReadonlyMap<number, Width>;
}

/** Fewest and most characters that something takes. */
export type Width = readonly [least: number, most: number];

/** The pattern is none; the message is Python's, as `unterminated character set at position 3`. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
}

/** The pattern is fine, but what it asks for has no small bound (library API 12.2). */
export class RegexTooComplexError extends Error {
  override readonly name = "RegexTooComplexError";

  constructor() {
    super("Regular expression is too complex.");
  }
}

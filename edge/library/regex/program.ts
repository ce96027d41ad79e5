/** A pattern as a small program; one kind runs in linear time, the other backtracks under a budget of steps. */
import { checkFixedWidth } from "./groups.ts";
import { type Codes, type Node, type Pattern, RegexTooComplexError } from "./syntax.ts";
import { widthOf } from "./width.ts";

export type Instruction =
  | { op: "one"; matches(code: number): boolean; next: number }
  /** Two ways on, the preferred one first. */
  | { op: "split"; first: number; second: number }
  | { op: "place"; holds(text: Codes, at: number): boolean; next: number }
  /** Remembers the position in a slot. */
  | { op: "save"; slot: number; next: number }
  /** Goes on if the position has moved since it was remembered, else leaves the loop. */
  | { op: "moved"; slot: number; next: number; still: number }
  | { op: "again"; slot: number; same(left: number, right: number): boolean; next: number }
  /** A part of its own, which begins `behind` characters earlier. */
  | { op: "look"; negative: boolean; behind: number; start: number; next: number }
  | { op: "atomic"; start: number; next: number }
  | { op: "if"; slot: number; yes: number; no: number }
  | { op: "match" };

export interface Program {
  instructions: readonly Instruction[];
  start: number;
  /** No look-around, back-reference, condition or atomic part: all ways can be followed at once. */
  linear: boolean;
}

/** Counted repeats are written out; `(.{1000}){20}` is as long as it gets. */
const MAX_INSTRUCTIONS = 20_000;

/** @throws RegexTooComplexError for a program that would be too long. */
export function writeProgram(pattern: Pattern): Program {
  const writer = new Writer(pattern);
  const start = writer.write(pattern.root, writer.add({ op: "match" }));
  return { instructions: writer.instructions, start, linear: writer.linear };
}

/** Written from the end to the start, so that each instruction knows what comes after it. */
class Writer {
  readonly instructions: Instruction[] = [];
  linear = true;
  readonly #pattern: Pattern;
  #slots = 0;
  readonly #groupSlots = new Map<number, number>();

  constructor(pattern: Pattern) {
    this.#pattern = pattern;
  }

  add(instruction: Instruction): number {
    if (this.instructions.length >= MAX_INSTRUCTIONS) throw new RegexTooComplexError();
    return this.instructions.push(instruction) - 1;
  }

  /** @returns where the part begins. */
  write(node: Node, next: number): number {
    switch (node.kind) {
      case "one":
        return this.add({ op: "one", matches: node.matches, next });
      case "place":
        return this.add({ op: "place", holds: node.holds, next });
      case "sequence":
        return node.items.reduceRight((after, item) => this.write(item, after), next);
      case "either":
        return node.branches
          .map((branch) => this.write(branch, next))
          .reduceRight((second, first) => this.add({ op: "split", first, second }));
      case "repeat":
        return this.#repeat(node, next);
      case "group":
        return this.#group(node.number, node.of, next);
      default:
        this.linear = false;
        return this.#special(node, next);
    }
  }

  #special(node: Extract<Node, { kind: "look" | "again" | "atomic" | "if" }>, next: number): number {
    switch (node.kind) {
      case "again":
        return this.add({ op: "again", slot: this.#slotOf(node.group), same: node.same, next });
      case "if": {
        const [yes, no] = [this.write(node.yes, next), this.write(node.no, next)];
        return this.add({ op: "if", slot: this.#slotOf(node.group), yes, no });
      }
      case "atomic":
        return this.add({ op: "atomic", start: this.#part(node.of), next });
      case "look":
        return this.add({
          op: "look",
          negative: node.negative,
          behind: this.#behind(node),
          start: this.#part(node.of),
          next,
        });
    }
  }

  #part(node: Node): number {
    return this.write(node, this.add({ op: "match" }));
  }

  #behind({ ahead, of }: { ahead: boolean; of: Node }): number {
    if (ahead) return 0;
    const width = widthOf(of, this.#pattern.widths);
    checkFixedWidth(width);
    return width[0];
  }

  #group(number: number | null, of: Node, next: number): number {
    if (number === null || !this.#pattern.asked.has(number)) return this.write(of, next);
    const slot = this.#slotOf(number);
    const end = this.add({ op: "save", slot: slot + 1, next });
    return this.add({ op: "save", slot, next: this.write(of, end) });
  }

  #slotOf(group: number): number {
    const known = this.#groupSlots.get(group);
    if (known !== undefined) return known;
    const slot = this.#slots;
    this.#slots += 2;
    this.#groupSlots.set(group, slot);
    return slot;
  }

  #repeat(node: Extract<Node, { kind: "repeat" }>, next: number): number {
    const { of, min, max, mode } = node;
    if (mode === "possessive") return this.write({ kind: "atomic", of: { ...node, mode: "greedy" } }, next);
    const lazy = mode === "lazy";
    const optional =
      max === Number.POSITIVE_INFINITY ? this.#loop(of, lazy, next) : this.#upTo(of, max - min, lazy, next);
    return this.#times(of, min, optional);
  }

  #loop(of: Node, lazy: boolean, next: number): number {
    const slot = this.#slots++;
    // The body comes back to the split, which is known only after the body: it is put in its place then.
    const split = this.add({ op: "match" });
    const moved = this.add({ op: "moved", slot, next: split, still: next });
    const body = this.add({ op: "save", slot, next: this.write(of, moved) });
    this.instructions[split] = lazy
      ? { op: "split", first: next, second: body }
      : { op: "split", first: body, second: next };
    return split;
  }

  #upTo(of: Node, times: number, lazy: boolean, next: number): number {
    let start = next;
    for (let count = 0; count < times; count++) {
      const body = this.write(of, start);
      if (body === start) break; // takes nothing, however often
      start = this.add(lazy ? { op: "split", first: next, second: body } : { op: "split", first: body, second: next });
    }
    return start;
  }

  #times(of: Node, times: number, next: number): number {
    let start = next;
    for (let count = 0; count < times; count++) {
      const body = this.write(of, start);
      if (body === start) break;
      start = body;
    }
    return start;
  }
}

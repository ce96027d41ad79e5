import type { Instruction, Program } from "./program.ts";
import type { Steps } from "./steps.ts";
import type { Codes } from "./syntax.ts";

/**
 * Whether the pattern matches anywhere: all ways through the program are followed at once, one character at a time, so that
 * the time is at most text times program (Thompson's construction).
 */
export function searchLinear(program: Program, text: Codes, steps: Steps): boolean {
  let here = new Threads(program, text, steps);
  let there = new Threads(program, text, steps);
  for (let at = 0; ; at++) {
    if (here.add(program.start, at)) return true;
    const code = text[at];
    if (code === undefined) return false;
    for (const { matches, next } of here.waiting) {
      steps.count();
      if (matches(code) && there.add(next, at + 1)) return true;
    }
    [here, there] = [there, here];
    there.clear();
  }
}

type One = Extract<Instruction, { op: "one" }>;

/** Where in the program the search can be before one character: each place once. */
class Threads {
  /** Those that want a character. */
  waiting: One[] = [];
  readonly #instructions: readonly Instruction[];
  readonly #text: Codes;
  readonly #steps: Steps;
  /** The round in which a place was last reached. */
  readonly #reached: Uint32Array;
  #round = 1;

  constructor({ instructions }: Program, text: Codes, steps: Steps) {
    this.#instructions = instructions;
    this.#text = text;
    this.#steps = steps;
    this.#reached = new Uint32Array(instructions.length);
  }

  clear(): void {
    this.waiting = [];
    this.#round += 1;
  }

  /** Goes on from a place until characters are wanted; true when the end of the program is reached. */
  add(start: number, at: number): boolean {
    const open = [start];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (this.#reached[place] === this.#round) continue;
      this.#reached[place] = this.#round;
      this.#steps.count();
      const instruction = this.#instructions[place];
      switch (instruction?.op) {
        case "match":
          return true;
        case "one":
          this.waiting.push(instruction);
          break;
        case "split":
          open.push(instruction.second, instruction.first);
          break;
        case "place":
          if (instruction.holds(this.#text, at)) open.push(instruction.next);
          break;
        case "save":
        case "moved": // a loop that did not move comes back to a place that was reached
          open.push(instruction.next);
      }
    }
    return false;
  }
}

import type { Instruction, Program } from "./program.ts";
import type { Steps } from "./steps.ts";
import type { Codes } from "./syntax.ts";

/** Remembered positions by slot; never changed in place, so that a way back is a reference. */
type Slots = readonly (number | undefined)[];

interface State {
  place: number;
  at: number;
  slots: Slots;
}

/** Whether the pattern matches anywhere: one way after the other, as Python's own engine goes, each step counted. */
export function searchBacktracking(program: Program, text: Codes, steps: Steps): boolean {
  const search = new Search(program, text, steps);
  for (let at = 0; at <= text.length; at++) {
    if (search.run({ place: program.start, at, slots: [] }) !== null) return true;
  }
  return false;
}

class Search {
  readonly #instructions: readonly Instruction[];
  readonly #text: Codes;
  readonly #steps: Steps;

  constructor({ instructions }: Program, text: Codes, steps: Steps) {
    this.#instructions = instructions;
    this.#text = text;
    this.#steps = steps;
  }

  /** The state at the end of the part that begins there; null when no way leads to one. */
  run(start: Readonly<State>): State | null {
    const open: State[] = [{ ...start }];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      // The state is changed in place: at most steps nothing else holds it.
      for (let alive = true; alive; ) {
        this.#steps.count();
        const instruction = this.#instructions[state.place];
        if (instruction === undefined || instruction.op === "match") return state;
        if (instruction.op === "split") {
          open.push({ place: instruction.second, at: state.at, slots: state.slots });
          state.place = instruction.first;
        } else alive = this.#step(instruction, state);
      }
    }
    return null;
  }

  /** Changes the state to what comes next; false when there is no way on. */
  #step(instruction: Exclude<Instruction, { op: "match" | "split" }>, state: State): boolean {
    switch (instruction.op) {
      case "one": {
        const code = this.#text[state.at];
        state.place = instruction.next;
        state.at += 1;
        return code !== undefined && instruction.matches(code);
      }
      case "place":
        state.place = instruction.next;
        return instruction.holds(this.#text, state.at);
      case "save":
        state.place = instruction.next;
        state.slots = saved(state.slots, instruction.slot, state.at);
        return true;
      case "moved":
        state.place = state.slots[instruction.slot] === state.at ? instruction.still : instruction.next;
        return true;
      case "if":
        state.place = state.slots[instruction.slot + 1] === undefined ? instruction.no : instruction.yes;
        return true;
      case "again":
        state.place = instruction.next;
        return this.#again(instruction, state);
      case "atomic":
        return this.#atomic(instruction, state);
      case "look":
        return this.#look(instruction, state);
    }
  }

  #atomic({ start, next }: Extract<Instruction, { op: "atomic" }>, state: State): boolean {
    const end = this.run({ ...state, place: start });
    Object.assign(state, end, { place: next });
    return end !== null;
  }

  #look({ start, next, behind, negative }: Extract<Instruction, { op: "look" }>, state: State): boolean {
    const from = state.at - behind;
    const end = from < 0 ? null : this.run({ place: start, at: from, slots: state.slots });
    state.place = next;
    state.slots = end?.slots ?? state.slots;
    return (end !== null) !== negative;
  }

  #again({ slot, same }: Extract<Instruction, { op: "again" }>, state: State): boolean {
    const [from, to] = [state.slots[slot], state.slots[slot + 1]];
    if (from === undefined || to === undefined) return false;
    for (let at = from; at < to; at++, state.at++) {
      this.#steps.count();
      const [left, right] = [this.#text[at], this.#text[state.at]];
      if (left === undefined || right === undefined || !same(left, right)) return false;
    }
    return true;
  }
}

function saved(slots: Slots, slot: number, at: number): Slots {
  const copy = slots.slice();
  copy[slot] = at;
  return copy;
}

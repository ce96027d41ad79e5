import { RegexTooComplexError } from "./syntax.ts";

/** One search may take so many steps, 10 to 30 ns each: 0.1 s of processor, whatever the pattern. */
const MAX_STEPS = 5_000_000;

/** Counts what a search does; the same search always ends at the same step, on any machine. */
export class Steps {
  taken = 0;

  /** @throws RegexTooComplexError when the budget is spent. */
  count(): void {
    this.taken += 1;
    if (this.taken > MAX_STEPS) throw new RegexTooComplexError();
  }
}

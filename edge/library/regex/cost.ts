/**
 * How much a backtracking engine may do at worst, told from the pattern alone: JavaScript's RegExp can neither be stopped nor
 * made to count. Parts are taken to be independent, so that the figure is a bound: a text that makes it true need not exist.
 */

/** Characters that a pattern that has to backtrack gets to see of a text (library API 12.2). */
export const MAX_BACKTRACKED_CHARACTERS = 1000;

export interface Cost {
  /** In how many ways the part may match from one place: what comes after it may be tried so many times. */
  ways: number;
  /** Steps to go through all of them. */
  steps: number;
  /** Instructions of the program that the linear engine writes it out to. */
  size: number;
  /** Whether it holds a repeat without an upper bound. */
  unbounded: boolean;
}

/** Steps are in units of about 2.5 ns, as V8 takes them where it was measured (decision 133). */
const NOTHING: Cost = { ways: 1, steps: 0, size: 0, unbounded: false };
export const PLACE: Cost = { ways: 1, steps: 1, size: 1, unbounded: false };
/** Looks at both sides, each time through a class of Unicode. */
export const WORD_EDGE: Cost = { ways: 1, steps: 6, size: 1, unbounded: false };
export const LITERAL: Cost = { ways: 1, steps: 1, size: 1, unbounded: false };
/** `.`, and sets of a few ranges. */
export const SET: Cost = { ways: 1, steps: 5, size: 1, unbounded: false };
/** Up to 700 ranges, which each engine takes 0.2 ms to compile, each time that the class is named. */
export const UNICODE_CLASS: Cost = { ways: 1, steps: 14, size: 20, unbounded: false };
/** Compares pieces of text, which mostly differ from the first character on. */
export const BACK_REFERENCE: Cost = { ways: 1, steps: 4, size: 1, unbounded: false };
/** V8 leaves the comparing to a library, character by character. */
export const BACK_REFERENCE_WITHOUT_CASE: Cost = { ways: 1, steps: 400, size: 1, unbounded: false };

export function inSequence(costs: readonly Cost[]): Cost {
  return costs.reduce(
    (before, next) => ({
      ways: before.ways * next.ways,
      steps: before.steps + before.ways * next.steps,
      size: before.size + next.size,
      unbounded: before.unbounded || next.unbounded,
    }),
    NOTHING,
  );
}

/** @param exclusive Whether no two branches can match at one place, as `foo|bar`. */
export function inBranches(costs: readonly Cost[], exclusive: boolean): Cost {
  const ways = costs.map((cost) => cost.ways);
  return {
    ways: exclusive ? Math.max(...ways) : sum(ways),
    steps: sum(costs.map((cost) => cost.steps + 1)),
    size: sum(costs.map((cost) => cost.size + 1)),
    unbounded: costs.some((cost) => cost.unbounded),
  };
}

/** @param max Infinity for a repeat without a bound. One inside another has ways without number. */
export function repeated(of: Cost, min: number, max: number): Cost {
  const unbounded = max === Number.POSITIVE_INFINITY;
  const rounds = Math.min(max, MAX_BACKTRACKED_CHARACTERS);
  let [ways, steps, here] = [min === 0 ? 1 : 0, 0, 1];
  for (let round = 1; round <= rounds; round++) {
    steps += here * of.steps;
    here *= of.ways;
    if (round >= Math.min(min, rounds)) ways += here;
  }
  return {
    ways: unbounded && of.unbounded ? Number.POSITIVE_INFINITY : ways,
    steps,
    // A copy for each round, and a fork for each that may be missing.
    size: unbounded ? of.size * Math.max(min, 1) + 1 : of.size * max + max - min,
    unbounded: unbounded || of.unbounded,
  };
}

/** What looks ahead or behind matches in one way, and is not asked for another. */
export function looked(of: Cost): Cost {
  return { ...of, ways: of.ways === Number.POSITIVE_INFINITY ? of.ways : 1 };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** How long simulations may take, and which seeds they begin with. */

/** `TRAWL_SIM_SEED=n` replays one seed. */
export function replayedSeed(): number | null {
  const text = process.env.TRAWL_SIM_SEED;
  return text === undefined || text === "" ? null : Number(text);
}

/** @param seconds what the run may take by default; `TRAWL_SIM_SECONDS` decides otherwise. */
export function budgetMs(seconds: number): number {
  const text = process.env.TRAWL_SIM_SECONDS;
  return 1_000 * (text === undefined || text === "" ? seconds : Number(text));
}

/** A seed for each run that nobody has tried: the clock, so that every run of the suite looks somewhere else. */
export function freshSeed(): number {
  return Date.now() % 2 ** 31;
}

import { expect, it } from "vitest";
import { budgetMs, freshSeed, replayedSeed } from "./simulation/budget.ts";
import { describeBroken, type ManyRuns, runMany } from "./simulation/run-many.ts";

const SECONDS = 20;
/** The same ones each time, before any new ones. */
const KNOWN_SEEDS = 20;

function expectKept(many: ManyRuns): void {
  expect(many.broken === null ? "" : describeBroken(many.broken)).toBe("");
}

it.skipIf(replayedSeed() === null)("keeps every promise in the seed that is replayed", async () => {
  expectKept(await runMany(replayedSeed() ?? 0, 0));
});

it.skipIf(replayedSeed() !== null)(
  "keeps every promise while nodes, network, stores and the object itself fail",
  { timeout: budgetMs(SECONDS) + 120_000 },
  async () => {
    const began = performance.now();
    const known = await runMany(1, 0, KNOWN_SEEDS);
    expectKept(known);
    const fresh = await runMany(freshSeed(), budgetMs(SECONDS) - (performance.now() - began));
    expectKept(fresh);
    const seconds = (performance.now() - began) / 1000;
    const steps = known.steps + fresh.steps;
    console.log(
      `simulation: ${known.runs + fresh.runs} runs, ${known.jobs + fresh.jobs} jobs, ${steps} steps, ` +
        `${Math.round(steps / seconds)} steps/s`,
    );
    expect(known.jobs).toBeGreaterThan(KNOWN_SEEDS);
  },
);

it("is the same run for the same seed", async () => {
  const [first, second] = [await runMany(7, 0), await runMany(7, 0)];
  expect(second).toEqual(first);
});

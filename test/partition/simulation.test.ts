import { expect, it } from "vitest";
import { budgetMs, replayedSeed } from "./simulation/budget.ts";
import { describeBroken, type ManyRuns, runMany } from "./simulation/run-many.ts";

const SECONDS = 20;
/** The same ones each time, and as many after them as the budget allows; `simulation.long.test.ts` looks where nobody has. */
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
    const known = await runMany(1, budgetMs(SECONDS), KNOWN_SEEDS);
    expectKept(known);
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `simulation: ${known.runs} runs, ${known.jobs} jobs, ${known.steps} steps, ${Math.round(known.steps / seconds)} steps/s`,
    );
    expect(known.jobs).toBeGreaterThan(KNOWN_SEEDS);
  },
);

it("is the same run for the same seed", async () => {
  const [first, second] = [await runMany(7, 0), await runMany(7, 0)];
  expect(second).toEqual(first);
});

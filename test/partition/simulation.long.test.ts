import { expect, it } from "vitest";
import { budgetMs, freshSeed } from "./simulation/budget.ts";
import { describeBroken, runMany } from "./simulation/run-many.ts";

const SECONDS = 10 * 60;

it("keeps every promise for minutes on end", { timeout: budgetMs(SECONDS) + 120_000 }, async () => {
  const many = await runMany(freshSeed(), budgetMs(SECONDS));
  console.log(`simulation: ${many.runs} runs, ${many.jobs} jobs, ${many.steps} steps`);
  expect(many.broken === null ? "" : describeBroken(many.broken)).toBe("");
});

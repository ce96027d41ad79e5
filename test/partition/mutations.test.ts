/** The test of the tests: a core that breaks a promise must be caught by the simulation. */
import { describe, expect, it } from "vitest";
import { DISPATCH_MUTATIONS } from "./simulation/dispatch-mutations.ts";
import { runMany } from "./simulation/run-many.ts";
import { STATE_MUTATIONS } from "./simulation/state-mutations.ts";

/** Each mutation has to be caught within so many seeds. */
const SEEDS = 60;

describe("the simulation catches a core that", () => {
  it.each([...STATE_MUTATIONS, ...DISPATCH_MUTATIONS])("$does", { timeout: 120_000 }, async ({ does, api, breaks }) => {
    const many = await runMany(1, 0, SEEDS, api);
    expect(many.broken?.violation?.message ?? "").toMatch(breaks);
    console.log(`${does}: caught in run ${many.runs}: ${many.broken?.violation?.message.slice(0, 120)}`);
  });
});

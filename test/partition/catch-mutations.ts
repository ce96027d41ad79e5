import { describe, expect, it } from "vitest";
import { DISPATCH_MUTATIONS } from "./simulation/dispatch-mutations.ts";
import { runMany } from "./simulation/run-many.ts";
import { STATE_MUTATIONS } from "./simulation/state-mutations.ts";

/** Each mutation has to be caught within so many seeds. */
const SEEDS = 60;

/** Those that it takes many runs to notice; the long run tries them. */
const RARE: readonly string[] = [
  "does not tell D1 of a pause",
  "hands out a part of a create before D1 has the rest",
  "admits one job more than may wait",
  "brings counters with a flight that leaves events behind",
];

/** The test of the tests: a core that breaks a promise must be caught by the simulation. */
export function catchMutations(rare: boolean): void {
  const all = [...STATE_MUTATIONS, ...DISPATCH_MUTATIONS];
  const unknown = RARE.filter((name) => !all.some(({ does }) => does === name));
  if (unknown.length > 0) throw new Error(`no such mutation: ${unknown.join(", ")}`);
  const chosen = all.filter(({ does }) => RARE.includes(does) === rare);
  describe("the simulation catches a core that", () => {
    it.each(chosen)("$does", { timeout: 120_000 }, async ({ does, api, breaks }) => {
      const many = await runMany(1, 0, SEEDS, api);
      expect(many.broken?.violation?.message ?? "").toMatch(breaks);
      console.log(`${does}: caught in run ${many.runs}: ${many.broken?.violation?.message.slice(0, 120)}`);
    });
  });
}

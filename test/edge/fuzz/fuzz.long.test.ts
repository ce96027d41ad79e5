/** The same as `fuzz.test.ts`, longer, and with other requests each time. */
import { describe, expect, it } from "vitest";
import { fuzz, openFuzz } from "./run.ts";

/** With the repeats of the refused ones more than 20,000 requests. */
const ROUNDS = 10;
const REQUESTS = 1_300;

describe("rounds of generated requests", () => {
  const seed = Date.now() % 2 ** 31;
  it.each(Array.from({ length: ROUNDS }, (_, round) => round))("round %d", async (round) => {
    const refused = await fuzz(await openFuzz(), REQUESTS, seed + round);
    expect(refused).toBeGreaterThan(REQUESTS / 2);
  });
});

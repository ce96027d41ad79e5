import { expect, test } from "vitest";
import { LADDER_MS, ladderDelay } from "../../edge/courier/ladder.ts";

test("8 tries, delays after the previous one 0 s, 5 s, 30 s, 2 min, 10 min, 1 h, 4 h, 12 h", () => {
  const delays = Array.from({ length: 9 }, (_, tries) => ladderDelay(tries, () => 0.5));
  expect(delays).toEqual([0, 5_000, 30_000, 120_000, 600_000, 3_600_000, 14_400_000, 43_200_000, null]);
});

test("each ± 20 %", () => {
  for (const [tries, delay] of LADDER_MS.entries()) {
    expect(ladderDelay(tries, () => 0)).toBe(delay * 0.8);
    const most = ladderDelay(tries, () => 1 - Number.EPSILON) ?? 0;
    expect(most).toBeGreaterThanOrEqual(delay * 1.19);
    expect(most).toBeLessThanOrEqual(delay * 1.2);
  }
});

import { expect, it } from "vitest";
import { answer } from "../../../library/filter/answer.ts";
import { VECTORS } from "../../../library/filter/vectors.ts";

it("all 76 vectors hold in the runtime that filters run in", () => {
  const given = VECTORS.map(([number, expression, info]) => [number, expression, info, answer(expression, info)]);
  expect(given).toEqual(VECTORS);
  expect(given).toHaveLength(76);
});

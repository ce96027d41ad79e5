import { expect, it } from "vitest";
import { FilterEvaluationError, FilterSyntaxError } from "../../../edge/library/filter/errors.ts";
import { evaluateFilter } from "../../../edge/library/filter/evaluate.ts";
import { parseFilter } from "../../../edge/library/filter/parse.ts";
import { answer } from "./answer.ts";
import { VECTORS } from "./vectors.ts";

it.each(VECTORS)("vector %i: %s over %j gives %j", (_, expression, info, expected) => {
  expect(answer(expression, info)).toBe(expected);
});

it("all 76 vectors are there, each once", () => {
  expect(VECTORS.map(([number]) => number)).toEqual(Array.from({ length: 76 }, (_, index) => index + 1));
});

const SAVED = [14, 46, 47, 58, 62, 70];
const REFUSED = [40, 41, 53, 65, 66, 67, 68, 69, 71];
const among = (numbers: number[]) => VECTORS.filter(([number]) => numbers.includes(number));

it.each(among(SAVED))("vector %i, %s, can be saved: it fails only where it is evaluated", (_, expression, info) => {
  const filter = parseFilter(expression);
  expect(() => evaluateFilter(filter, info)).toThrow(FilterEvaluationError);
});

it.each(among(REFUSED))("vector %i, %s, cannot be saved", (_, expression) => {
  expect(() => parseFilter(expression)).toThrow(FilterSyntaxError);
});

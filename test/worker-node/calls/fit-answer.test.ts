import { expect, it } from "vitest";
import { CallAnswer } from "../../../shared/contract/calls.ts";
import { MAX_CALL_ANSWER_BYTES } from "../../../shared/limits.ts";
import { fitAnswer } from "../../../worker-node/calls/fit-answer.ts";

function list(count: number, description: string, path = "e"): CallAnswer {
  const entries = Array.from({ length: count }, (_, at) => ({
    url: `https://a.example/${path}/${at}`,
    title: `Title ${at}`,
    description,
    release_date: null,
    media_url: null,
    skip: null,
  }));
  return { ok: true, result: { kind: "expand", title: "List", entries, truncated: false } };
}

const bytes = (answer: CallAnswer) => Buffer.byteLength(JSON.stringify(answer));

it("leaves alone what fits", () => {
  const answer = list(10, "short");
  expect(fitAnswer(answer)).toBe(answer);
});

it.each([
  ["shortens descriptions first", list(1_000, "ü".repeat(5_000)), 1_000, "ü".repeat(500), false],
  ["then leaves them out", list(1_000, "👍".repeat(2_500), "x".repeat(3_300)), 1_000, null, false],
  ["then drops entries from the end, and says so", list(1_000, "d", "ä".repeat(4_000)), 516, null, true],
])("%s", (_title, answer, count, description, truncated) => {
  const fitted = fitAnswer(answer);
  expect(bytes(fitted)).toBeLessThanOrEqual(MAX_CALL_ANSWER_BYTES);
  expect(CallAnswer.parse(fitted)).toEqual(fitted);
  if (!fitted.ok || fitted.result.kind !== "expand") throw new Error("another answer");
  expect(fitted.result.entries).toHaveLength(count);
  expect(fitted.result.entries[0]?.description).toBe(description);
  expect(fitted.result.truncated).toBe(truncated);
});

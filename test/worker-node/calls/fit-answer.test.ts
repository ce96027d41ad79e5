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

function info(more: Record<string, unknown>): CallAnswer {
  return { ok: true, result: { kind: "info", refused: null, info: { id: "a", ...more }, left_out: [] } };
}
const fragments = Array.from({ length: 1_000 }, () => ({ url: "https://a.example/piece" }));
const captions = { de: [{ url: "x".repeat(MAX_CALL_ANSWER_BYTES / 2) }] };

it.each([
  [
    "the pieces of streams and what is said twice go first",
    info({ formats: [{ format_id: "1", fragments }], automatic_captions: captions, comments: ["y".repeat(3_000_000)] }),
    ["formats.fragments", "comments"],
    { id: "a", formats: [{ format_id: "1" }], automatic_captions: captions },
  ],
  [
    "a list ends early",
    info({ _type: "playlist", entries: [1, 2, 3].map((id) => ({ id, title: "z".repeat(1_900_000) })) }),
    ["entries"],
    { _type: "playlist", entries: [{ id: 1 }, { id: 2 }] },
  ],
])("of an info that is too large, %s, and the answer says so", (_title, answer, leftOut, rest) => {
  const fitted = fitAnswer(answer);
  expect(bytes(fitted)).toBeLessThanOrEqual(MAX_CALL_ANSWER_BYTES);
  expect(CallAnswer.parse(fitted)).toEqual(fitted);
  expect(fitted).toMatchObject({ result: { left_out: leftOut, info: rest } });
});

it("fails where nothing of an info can go", () => {
  expect(fitAnswer(info({ description: "x".repeat(MAX_CALL_ANSWER_BYTES) }))).toMatchObject({
    ok: false,
    class: "unsupported",
  });
});

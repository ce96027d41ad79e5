import fc from "fast-check";
import { expect, it } from "vitest";
import { compileRegex } from "../../../edge/library/regex/search.ts";
import { RegexTooComplexError } from "../../../edge/library/regex/syntax.ts";
import { askPython } from "./ask-python.ts";

const RE = `
import re

def answer(question):
    try:
        return re.search(*question) is not None
    except re.error:
        return "refused"
`;
const CASES = 1500;
/** The same cases in each run. */
const SEED = 133;

/** What all of Python 3.10 to 3.14 take alike, and decision 133 does not list: no Turkish i, no \B, nothing possessive. */
const atom = fc.constantFrom(
  ..."abAÉéßſsKσς1_ 日😀.^$[)\\",
  ...[
    "\\n",
    "\\b",
    "\\A",
    "\\Z",
    "\\d",
    "\\w",
    "\\s",
    "\\W",
    "\\D",
    "\\S",
    "[ab]",
    "[^a]",
    "[a-c]",
    "[\\w-]",
    "[^\\W_]",
  ],
  ...["[\\S1]", "[]a]", "[é-ü]", "\\x41", "\\u00e9", "\\101", "\\.", "[😀日]", "(?=a)", "(?!b)", "(?<=a)", "(?<!ab)"],
  ...["\\q", "\\x4", "[b-a]", "{", "{2", "(?#x)", "(?P=n)"],
);
const times = fc.constantFrom(
  "",
  "",
  "",
  "",
  "*",
  "+",
  "?",
  "*?",
  "+?",
  "??",
  "{2}",
  "{0,2}",
  "{1,}",
  "{2,3}?",
  "{2,1}",
);
const open = fc.constantFrom("(", "(?:", "(?P<n>", "(?i:", "(?s-i:", "(?=", "(?!", "(?P<1>", "(?z");
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc
    .array(
      fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        { weight: 13, arbitrary: fc.tuple(atom, times).map((pair) => pair.join("")) },
        { weight: 1, arbitrary: fc.constant("|") },
        { weight: 3, arbitrary: fc.tuple(open, tie("pattern"), times).map(([a, b, c]) => `${a}${b})${c}`) },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join("")),
}));
const flags = fc.constantFrom("", "", "", "(?i)", "(?s)", "(?m)", "(?x)", "(?a)", "(?ims)");
const text = fc.string({
  unit: fc.constantFrom(...Array.from("abcABÉéßſsSkKσΣς1٣_- \n\u00a0日😀\u2028\x1c].")),
  maxLength: 7,
});

it("patterns of all kinds find what Python's re finds, and what it refuses is refused", async () => {
  const whole = fc.tuple(flags, pattern).map((pair) => pair.join(""));
  const cases = fc.sample(fc.tuple(whole, text), { numRuns: CASES, seed: SEED });
  const answers = await askPython<boolean | string>(RE, cases);
  const compared = cases
    .map((each, at) => ({ each, ours: find(...each), python: answers[at] }))
    .filter(({ ours }) => ours !== "too complex");
  expect(compared.filter(({ ours, python }) => ours !== python)).toEqual([]);
  // The cases are worth something: each kind of answer is among them, often.
  for (const answer of [true, false, "refused"]) {
    expect(compared.filter(({ python }) => python === answer).length).toBeGreaterThan(CASES / 10);
  }
});

function find(pattern: string, text: string): boolean | string {
  try {
    return compileRegex(pattern).search(text);
  } catch (error) {
    return error instanceof RegexTooComplexError ? "too complex" : "refused";
  }
}

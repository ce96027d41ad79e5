import fc from "fast-check";
import { expect, it } from "vitest";
import { compileRegex } from "../../../edge/library/regex/search.ts";
import { RegexTooComplexError } from "../../../edge/library/regex/syntax.ts";
import { askPython } from "./ask-python.ts";

const RE = `
import re, warnings
warnings.simplefilter("ignore")

def answer(question):
    try:
        return re.search(*question) is not None
    except (re.error, OverflowError) as error:
        return str(error)
`;
const CASES = 3000;
/** The same cases in each run: which Python is asked differs enough from machine to machine. */
const SEED = 133;

/** What all of Python 3.10 to 3.14 take alike. Not \B: before 3.14 it held nowhere in an empty text. */
const letters = fc.constantFrom(
  "a",
  "b",
  "A",
  "É",
  "é",
  "ß",
  "ſ",
  "s",
  "K",
  "ı",
  "İ",
  "i",
  "σ",
  "ς",
  "1",
  "_",
  " ",
  "日",
  "😀",
);
const special = fc.constantFrom(
  ...[
    "\\n",
    "\\t",
    ".",
    "^",
    "$",
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
  ],
  ...["[\\w-]", "[^\\W_]", "[]a]", "[a-]", "[é-ü]", "\\x41", "\\u00e9", "\\101", "\\1", "\\2", "\\.", "[😀日]"],
  ...[
    "(?=a)",
    "(?!b)",
    "(?<=a)",
    "(?<!ab)",
    "(?<=a|b)",
    "\\q",
    "\\x4",
    "[b-a]",
    "{",
    "}",
    "{2",
    "(?#x)",
    "[",
    ")",
    "\\",
  ],
);
const times = fc.constantFrom(
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
  "{,}",
  "**",
  "{2,1}",
);
const open = fc.constantFrom("(", "(?:", "(?P<n>", "(?i:", "(?s-i:", "(?=", "(?!", "(?<=", "(?P<1>", "(?z");
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc
    .array(
      fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        { weight: 8, arbitrary: fc.tuple(letters, times).map((pair) => pair.join("")) },
        { weight: 5, arbitrary: fc.tuple(special, times).map((pair) => pair.join("")) },
        { weight: 1, arbitrary: fc.constant("|") },
        { weight: 3, arbitrary: fc.tuple(open, tie("pattern"), times).map(([a, b, c]) => `${a}${b})${c}`) },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join("")),
}));
const flags = fc.constantFrom("", "", "", "(?i)", "(?s)", "(?m)", "(?x)", "(?a)", "(?ims)", "(?L)", "(?au)");
const text = fc.string({
  unit: fc.constantFrom(...Array.from("abcABÉéßſsSkK\u212aıİiIσΣς1٣_- \n\u00a0日😀\u2028\x1c].")),
  maxLength: 7,
});

it("patterns of all kinds find what Python's re finds, and are refused in its words", {
  timeout: 120_000,
}, async () => {
  const cases = fc.sample(
    fc.tuple(
      fc.tuple(flags, pattern).map((pair) => pair.join("")),
      text,
    ),
    {
      numRuns: CASES,
      seed: SEED,
    },
  );
  const answers = await askPython<boolean | string>(RE, cases);
  const ours = cases.map(([pattern, text]) => find(pattern, text));
  const compared = cases.flatMap((each, at) =>
    ours[at] instanceof RegexTooComplexError ? [] : [{ each, ours: ours[at], python: answers[at] }],
  );
  expect(compared.filter(({ ours, python }) => ours !== python)).toEqual([]);
  // The cases are worth something: each kind of answer is among them, often.
  expect(compared.filter(({ python }) => python === true).length).toBeGreaterThan(CASES / 10);
  expect(compared.filter(({ python }) => python === false).length).toBeGreaterThan(CASES / 10);
  expect(new Set(compared.map(({ python }) => String(python).replace(/ at position.*/s, ""))).size).toBeGreaterThan(12);
});

function find(pattern: string, text: string): boolean | string | RegexTooComplexError {
  try {
    return compileRegex(pattern).search(text);
  } catch (error) {
    return error instanceof RegexTooComplexError ? error : (error as Error).message;
  }
}

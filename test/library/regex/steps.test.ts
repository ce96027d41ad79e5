import { describe, expect, it } from "vitest";
import { searchBacktracking } from "../../../edge/library/regex/backtrack.ts";
import { searchLinear } from "../../../edge/library/regex/linear.ts";
import { parsePattern } from "../../../edge/library/regex/parse.ts";
import { writeProgram } from "../../../edge/library/regex/program.ts";
import { codesOf } from "../../../edge/library/regex/search.ts";
import { Steps } from "../../../edge/library/regex/steps.ts";
import { RegexTooComplexError } from "../../../edge/library/regex/syntax.ts";

function stepsOf(pattern: string, text: string): number {
  const program = writeProgram(parsePattern(pattern));
  expect(program.linear).toBe(true);
  const steps = new Steps();
  searchLinear(program, codesOf(text), steps);
  return steps.taken;
}

describe("steps of a search", () => {
  it.each([
    ["(a+)+$", "a", "!"],
    ["(a|aa)+$", "a", "b"],
    ["(a|a)*$", "a", "b"],
    ["(.*a){20}$", "b", ""],
    ["(?:a?){50}a{50}$", "a", "b"],
    ["(\\w+\\s?)*$", "word ", "!"],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", "a", ""],
  ])("%s takes twice as many for a text of twice the length, not more", (pattern, unit, end) => {
    const ratio = stepsOf(pattern, unit.repeat(1000) + end) / stepsOf(pattern, unit.repeat(500) + end);
    expect(ratio).toBeGreaterThan(1.9);
    expect(ratio).toBeLessThan(2.1);
  });

  it.each(["(?=a).*.*.*.*.*z", "(a*)(a*)(a*)(a*)(a*)\\5b", "(?:a{0,50}){0,50}(?<!a)b", "(?=(.*)(.*)(.*)(.*)z)"])(
    "%s ends by its budget, not by its text",
    (pattern) => {
      const program = writeProgram(parsePattern(pattern));
      expect(program.linear).toBe(false);
      expect(() => searchBacktracking(program, codesOf("a".repeat(1000)), new Steps())).toThrow(RegexTooComplexError);
    },
  );

  it("a text too long for its pattern ends by the budget too", () => {
    const program = writeProgram(parsePattern("(.{1000}){19}"));
    expect(() => searchLinear(program, codesOf("a".repeat(5000)), new Steps())).toThrow(RegexTooComplexError);
  });
});

/**
 * Search by a regular expression of Python, with the guard of library API 12.2. Written here because nothing to be had is both
 * Python's in what matches (Unicode classes, `\b` between any letters, `$` before a last line feed, its messages) and bounded
 * (decision 133).
 */
import { searchBacktracking } from "./backtrack.ts";
import { searchLinear } from "./linear.ts";
import { nestsUnbounded } from "./nested.ts";
import { parsePattern } from "./parse.ts";
import { writeProgram } from "./program.ts";
import { lengthOf } from "./reader.ts";
import { Steps } from "./steps.ts";
import { RegexTooComplexError } from "./syntax.ts";

const MAX_PATTERN_CHARACTERS = 1000;
/** What a pattern that has to backtrack gets to see of a text. */
const MAX_BACKTRACKED_CHARACTERS = 1000;

export interface PythonRegex {
  /** As `re.search`: whether it matches anywhere. @throws RegexTooComplexError past the budget of steps. */
  search(text: string): boolean;
}

/**
 * @throws RegexSyntaxError with Python's message; RegexTooComplexError for a pattern over 1,000 characters, and for repeats
 *   without a bound inside one another where the pattern cannot run in linear time.
 * @example compileRegex("(?i)\\blive\\b").search("A Live show") // true
 */
export function compileRegex(pattern: string): PythonRegex {
  if (lengthOf(pattern) > MAX_PATTERN_CHARACTERS) throw new RegexTooComplexError();
  const parsed = parsePattern(pattern);
  const program = writeProgram(parsed);
  if (program.linear) return { search: (text) => searchLinear(program, codesOf(text), new Steps()) };
  if (nestsUnbounded(parsed.root)) throw new RegexTooComplexError();
  return {
    search: (text) => searchBacktracking(program, codesOf(text).slice(0, MAX_BACKTRACKED_CHARACTERS), new Steps()),
  };
}

/** As Python sees a text. */
export function codesOf(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

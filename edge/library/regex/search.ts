/**
 * Search by a regular expression of Python (library API 12.2): in linear time by RE2 where it takes the pattern, else by
 * JavaScript's RegExp with a guard. What differs from Python is listed in decision 133.
 */
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { MAX_BACKTRACKED_CHARACTERS } from "./cost.ts";
import { JAVASCRIPT, RE2 } from "./dialect.ts";
import { RegexSyntaxError, RegexTooComplexError } from "./syntax.ts";
import { lengthOf } from "./tokens.ts";
import { type Translation, translate } from "./translate.ts";

const MAX_PATTERN_CHARACTERS = 1000;
/** Instructions, each of which the linear engine may look at for each character: 0.1 µs each where its automaton gives up. */
const MAX_PROGRAM_SIZE = 1500;
/** About 50 ms for the worst text of 1,000 characters. Two repeats in a row that are tried from each place are past it. */
const MAX_BACKTRACKING_STEPS = 20_000_000;
const ASCII_TEXT = /^[\0-\x7f]*$/;

export interface PythonRegex {
  /** As `re.search`: whether it matches anywhere. */
  search(text: string): boolean;
}

/**
 * @throws RegexSyntaxError for what Python would not take, in its words where they are few; RegexTooComplexError for a pattern
 *   over 1,000 characters, for one that is too large written out, and for one that may backtrack too much.
 * @example compileRegex("(?i)\\blive\\b").search("A Live show") // true
 */
export function compileRegex(pattern: string): PythonRegex {
  if (lengthOf(pattern) > MAX_PATTERN_CHARACTERS) throw new RegexTooComplexError();
  const translation = translate(pattern, RE2);
  if (!(translation.cost.size <= MAX_PROGRAM_SIZE)) throw new RegexTooComplexError();
  const linear = translation.backtracks ? null : compileLinear(translation);
  if (linear === null) return compileBacktracking(pattern);
  return translation.wordEdges ? withWordEdges(pattern, linear) : { search: (text) => linear.test(text) };
}

/** Null for what RE2 does not take, as more than 1,000 counted repeats. */
function compileLinear({ source, ignoreCase }: Translation): RE2JS | null {
  try {
    return RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return null;
    throw error;
  }
}

function compileBacktracking(pattern: string): PythonRegex {
  const { source, ignoreCase, anchored, cost } = translate(pattern, JAVASCRIPT);
  const steps = cost.steps * (anchored ? 1 : MAX_BACKTRACKED_CHARACTERS);
  // Asked this way round because it may be no number: infinitely many ways of no step.
  if (cost.ways === Number.POSITIVE_INFINITY || !(steps <= MAX_BACKTRACKING_STEPS)) throw new RegexTooComplexError();
  const regex = toRegExp(source, ignoreCase ? "iu" : "u");
  // V8 interprets an expression the first time and compiles it the second: a hundred times slower on the texts that matter.
  regex.test("");
  return { search: (text) => regex.test(firstCharacters(text)) };
}

function toRegExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw error instanceof SyntaxError ? new RegexSyntaxError(error.message) : error;
  }
}

/** RE2's `\b` is that of ASCII: titles in other letters go to the engine that can be told better, if it may run the pattern. */
function withWordEdges(pattern: string, linear: RE2JS): PythonRegex {
  let exact: PythonRegex | undefined;
  return {
    search(text) {
      if (ASCII_TEXT.test(text) || firstCharacters(text).length < text.length) return linear.test(text);
      exact ??= backtrackingUnlessTooComplex(pattern) ?? { search: (other) => linear.test(other) };
      return exact.search(text);
    },
  };
}

function backtrackingUnlessTooComplex(pattern: string): PythonRegex | null {
  try {
    return compileBacktracking(pattern);
  } catch (error) {
    if (error instanceof RegexTooComplexError) return null;
    throw error;
  }
}

function firstCharacters(text: string): string {
  if (text.length <= MAX_BACKTRACKED_CHARACTERS) return text;
  // No character takes more than two units.
  return Array.from(text.slice(0, 2 * MAX_BACKTRACKED_CHARACTERS))
    .slice(0, MAX_BACKTRACKED_CHARACTERS)
    .join("");
}

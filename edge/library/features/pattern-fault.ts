import { parsePattern } from "../regex/parse.ts";
import { RegexSyntaxError, RegexTooComplexError } from "../regex/syntax.ts";

/** Why a text is no regular expression of Python's, in Python's words; null: it is one. */
export function patternFault(pattern: string): string | null {
  try {
    parsePattern(pattern);
    return null;
  } catch (error) {
    if (error instanceof RegexSyntaxError || error instanceof RegexTooComplexError) return error.message;
    throw error;
  }
}

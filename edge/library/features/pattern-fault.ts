import { compileRegex } from "../regex/search.ts";
import { RegexSyntaxError, RegexTooComplexError } from "../regex/syntax.ts";

/** Why a text is no regular expression of Python's, or none that is run here; null: it is one. */
export function patternFault(pattern: string): string | null {
  try {
    compileRegex(pattern);
    return null;
  } catch (error) {
    if (error instanceof RegexSyntaxError || error instanceof RegexTooComplexError) return error.message;
    throw error;
  }
}

import { FilterEvaluationError, FilterSyntaxError } from "../../../edge/library/filter/errors.ts";
import { evaluateFilter } from "../../../edge/library/filter/evaluate.ts";
import { parseFilter } from "../../../edge/library/filter/parse.ts";

/** What a filter says of an info: its answer, or the text of its error. Any other error is thrown on. */
export function answer(expression: string, info: Record<string, unknown>): boolean | string {
  try {
    return evaluateFilter(parseFilter(expression), info);
  } catch (error) {
    if (error instanceof FilterSyntaxError || error instanceof FilterEvaluationError) return error.message;
    throw error;
  }
}

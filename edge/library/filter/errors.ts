/** The expression is none; the message is one of library API 12.1 and may be shown to whoever wrote it. */
export class FilterSyntaxError extends Error {
  override readonly name = "FilterSyntaxError";
}

/** The expression cannot be answered for this info; a condition that throws it does not match. */
export class FilterEvaluationError extends Error {
  override readonly name = "FilterEvaluationError";
}

/** The two ways in which a pattern is refused. */

/** The pattern is none; the message is Python's for what people get wrong, as `unterminated character set at position 3`. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
}

/** The pattern is fine, but what it asks for has no small bound (library API 12.2). */
export class RegexTooComplexError extends Error {
  override readonly name = "RegexTooComplexError";

  constructor() {
    super("Regular expression is too complex.");
  }
}

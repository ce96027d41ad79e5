import { pythonTypeName } from "../python-repr.ts";
import { compileRegex } from "../regex/search.ts";
import { RegexSyntaxError, RegexTooComplexError } from "../regex/syntax.ts";
import type { Operator } from "./atom.ts";
import { FilterEvaluationError } from "./errors.ts";
import { type Numeric, readNumber } from "./numbers.ts";

type Ordering = "<" | "<=" | ">" | ">=";

/**
 * Compares a value of the info, which is neither missing nor null, with the text of an expression (library API 12.2, 3 to 7).
 *
 * @throws FilterEvaluationError
 * @example compare("2:30", ">", "2m") // true
 */
export function compare(actual: unknown, operator: Operator, text: string): boolean {
  const number = readNumber(text);
  switch (operator) {
    case "=":
      return number === null ? actual === text : equalsNumber(actual, number);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return number === null ? ordersText(actual, operator, text) : ordersNumber(actual, operator, number);
    default:
      if (number !== null) throw new FilterEvaluationError(`Operator ${operator} only supports string values!`);
      return comparesText(actual, operator, text);
  }
}

function equalsNumber(actual: unknown, number: Numeric): boolean {
  const left = numberOf(actual);
  // Not `===`: a double and an exact integer may be the same number.
  return left !== null && compareNumbers(left, number) === 0;
}

function ordersNumber(actual: unknown, operator: Ordering, number: Numeric): boolean {
  const left = numberOf(actual);
  if (left === null) throw typeError(actual, operator, number);
  return orders(operator, compareNumbers(left, number));
}

function ordersText(actual: unknown, operator: Ordering, text: string): boolean {
  if (typeof actual !== "string") throw typeError(actual, operator, text);
  return orders(operator, compareCodePoints(actual, text));
}

/** The number that a value of the info counts as; null for what is none. */
function numberOf(actual: unknown): Numeric | null {
  if (typeof actual === "number" || typeof actual === "bigint") return actual;
  if (typeof actual === "boolean") return actual ? 1 : 0;
  return typeof actual === "string" ? readNumber(actual) : null;
}

function orders(operator: Ordering, sign: number): boolean {
  switch (operator) {
    case "<":
      return sign < 0;
    case "<=":
      return sign <= 0;
    case ">":
      return sign > 0;
    case ">=":
      return sign >= 0;
  }
}

/** Negative, zero or positive; exact between doubles and integers of any length. */
function compareNumbers(left: Numeric, right: Numeric): number {
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

/** Python orders texts by code point. JavaScript orders them by UTF-16 unit, where all of 😀 is before U+FF01. */
function compareCodePoints(left: string, right: string): number {
  for (let at = 0; at < left.length && at < right.length; ) {
    const [one, other] = [left.codePointAt(at) ?? 0, right.codePointAt(at) ?? 0];
    if (one !== other) return one - other;
    at += one > 0xffff ? 2 : 1;
  }
  return left.length - right.length;
}

function comparesText(actual: unknown, operator: "*=" | "^=" | "$=" | "~=", text: string): boolean {
  switch (operator) {
    case "*=":
      return contains(actual, text);
    case "^=":
      return typeof actual === "string" && actual.startsWith(text);
    case "$=":
      return typeof actual === "string" && actual.endsWith(text);
    case "~=":
      return matches(actual, text);
  }
}

function contains(actual: unknown, text: string): boolean {
  if (typeof actual === "string" || Array.isArray(actual)) return actual.includes(text);
  if (typeof actual === "object" && actual !== null) return Object.hasOwn(actual, text);
  throw new FilterEvaluationError(`argument of type '${pythonTypeName(actual)}' is not iterable`);
}

function matches(actual: unknown, pattern: string): boolean {
  if (typeof actual !== "string") {
    throw new FilterEvaluationError(`expected string or bytes-like object, got '${pythonTypeName(actual)}'`);
  }
  try {
    return compileRegex(pattern).search(actual);
  } catch (error) {
    if (error instanceof RegexSyntaxError || error instanceof RegexTooComplexError) {
      throw new FilterEvaluationError(error.message);
    }
    throw error;
  }
}

function typeError(actual: unknown, operator: Ordering, other: unknown): FilterEvaluationError {
  const [left, right] = [pythonTypeName(actual), pythonTypeName(other)];
  return new FilterEvaluationError(`'${operator}' not supported between instances of '${left}' and '${right}'`);
}

import { readDuration } from "./duration.ts";
import { readFileSize } from "./file-size.ts";

/** Integers that a double cannot hold stay exact: ids of twenty digits differ in the last. */
export type Numeric = number | bigint;

/** As long as Python reads them. */
const INTEGER = /^[+-]?[0-9]{1,4300}$/;

/**
 * A text as the number that it spells: an integer, a file size or a duration, tried in this order (library API 12.2); null
 * for any other.
 *
 * @example readNumber("1MiB") // 1048576
 * @example readNumber("1:30") // 90
 */
export function readNumber(text: string): Numeric | null {
  return INTEGER.test(text) ? readInteger(text) : (readFileSize(text) ?? readDuration(text));
}

function readInteger(text: string): Numeric {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : exact(text);
}

/** BigInt takes a minus, but no plus. */
function exact(text: string): bigint {
  return BigInt(text.replace("+", ""));
}

import { lengthOf, type Reader } from "./reader.ts";
import { type Node, RegexSyntaxError } from "./syntax.ts";

const DIGIT = /^[0-9]$/;
/** Python's own limit; it has no position in its message. */
const MAX_REPEAT = 4_294_967_295;

interface Count {
  min: number;
  max: number;
}

/**
 * Reads `*`, `+`, `?` or `{2,5}`, whose first token was just taken, and puts the repeat in place of the last item.
 *
 * @returns false for a brace that begins no count: it stands for itself.
 */
export function readRepeat(reader: Reader, token: string, items: Node[]): boolean {
  const here = reader.position;
  const count = readCount(reader, token);
  if (count === null) {
    reader.seek(here);
    return false;
  }
  const back = reader.position - here + lengthOf(token);
  const of = items.at(-1);
  if (of === undefined || of.kind === "place") throw reader.error("nothing to repeat", back);
  if (of.kind === "repeat") throw reader.error("multiple repeat", back);
  const mode = reader.takeIf("?") ? "lazy" : reader.takeIf("+") ? "possessive" : "greedy";
  items[items.length - 1] = { kind: "repeat", of, ...count, mode };
  return true;
}

function readCount(reader: Reader, token: string): Count | null {
  if (token === "?") return { min: 0, max: 1 };
  if (token === "*") return { min: 0, max: Number.POSITIVE_INFINITY };
  if (token === "+") return { min: 1, max: Number.POSITIVE_INFINITY };
  const here = reader.position;
  if (reader.next === "}") return null;
  const low = reader.takeWhile(Number.POSITIVE_INFINITY, DIGIT);
  const high = reader.takeIf(",") ? reader.takeWhile(Number.POSITIVE_INFINITY, DIGIT) : low;
  if (!reader.takeIf("}")) return null;
  const min = low === "" ? 0 : bounded(low);
  const max = high === "" ? Number.POSITIVE_INFINITY : bounded(high);
  if (max < min) throw reader.error("min repeat greater than max repeat", reader.position - here);
  return { min, max };
}

function bounded(digits: string): number {
  const count = Number(digits);
  if (count >= MAX_REPEAT) throw new RegexSyntaxError("the repetition number is too large");
  return count;
}

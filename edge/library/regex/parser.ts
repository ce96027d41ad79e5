import { type Flags, sameLetter } from "./characters.ts";
import type { Groups } from "./groups.ts";
import type { Reader } from "./reader.ts";
import type { Node } from "./syntax.ts";

/** What reading a part of a pattern needs. */
export interface Parser {
  reader: Reader;
  groups: Groups;
  /** `a|b|c`, up to the closing bracket or the end. */
  alternatives(flags: Flags): Node;
  /** `a`, up to the next bar, closing bracket or the end. */
  sequence(flags: Flags): Node;
}

/** A reference back to a group. */
export function again(group: number, flags: Flags): Node {
  return { kind: "again", group, same: (left, right) => sameLetter(left, right, flags) };
}

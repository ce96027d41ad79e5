import { pythonRepr } from "../python-repr.ts";
import { type Atom, readAtom } from "./atom.ts";
import { FilterSyntaxError } from "./errors.ts";
import { type Mark, Scanner } from "./scanner.ts";

export type Step = { kind: Mark } | { kind: "atom"; atom: Atom };

/**
 * An expression whose grammar holds. A flat list and not a tree: a text of a million brackets is read and evaluated without
 * a stack of calls.
 */
export interface Filter {
  steps: readonly Step[];
}

/**
 * Reads a filter expression (library API 12.1). An atom that says nothing is found when it is evaluated, not here.
 *
 * @throws FilterSyntaxError with the documented text.
 * @example evaluateFilter(parseFilter("duration > 10m & !is_live"), { duration: 601 }) // true
 */
export function parseFilter(text: string): Filter {
  const scanner = new Scanner(text);
  const steps: Step[] = [];
  let open = 0;
  let wantsAtom = true;
  while (wantsAtom || !scanner.atEnd) {
    const mark = scanner.peekMark();
    if (wantsAtom) {
      if (mark === "(") open += 1;
      else {
        if (mark !== null || scanner.atEnd) throw new FilterSyntaxError("Expected ATOM");
        steps.push({ kind: "atom", atom: readAtom(scanner.takeAtom()) });
        wantsAtom = false;
        continue;
      }
    } else if (mark === ")" && open > 0) open -= 1;
    else if (mark === "&" || mark === "||") wantsAtom = true;
    else throw new FilterSyntaxError(unexpected(open, scanner.rest));
    steps.push({ kind: mark });
    scanner.takeMark(mark);
  }
  if (open > 0) throw new FilterSyntaxError("Expected RPAREN");
  return { steps };
}

/** Inside brackets only their end could have followed. */
function unexpected(open: number, rest: string): string {
  return open > 0 ? "Expected RPAREN" : `Unexpected token ${pythonRepr(rest)}`;
}

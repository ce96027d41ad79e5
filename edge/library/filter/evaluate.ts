import { pythonRepr } from "../python-repr.ts";
import type { Atom } from "./atom.ts";
import { compare } from "./compare.ts";
import { FilterEvaluationError } from "./errors.ts";
import type { Filter } from "./parse.ts";

/** One pair of brackets, or the whole expression, while it is evaluated. */
interface Level {
  /** A term before the last `||` was true: nothing that follows is looked at. */
  decided: boolean;
  /** The term since then, so far. */
  term: boolean;
  /** Whether what encloses it still wants to know. */
  wanted: boolean;
}

/**
 * Whether a filter holds for yt-dlp's info object; `&` and `||` stop as soon as their answer is known.
 *
 * @throws FilterEvaluationError with the documented text.
 * @example evaluateFilter(parseFilter("title*=live"), { title: "A live show" }) // true
 */
export function evaluateFilter({ steps }: Filter, info: Readonly<Record<string, unknown>>): boolean {
  let level: Level = { decided: false, term: true, wanted: true };
  const outer: Level[] = [];
  for (const step of steps) {
    const wanted = level.wanted && !level.decided && level.term;
    switch (step.kind) {
      case "atom":
        if (wanted) level.term = evaluateAtom(step.atom, info);
        break;
      case "(":
        outer.push(level);
        level = { decided: false, term: true, wanted };
        break;
      case ")": {
        const inside = result(level);
        level = outer.pop() ?? level;
        if (level.term) level.term = inside;
        break;
      }
      case "||":
        level.decided ||= level.term;
        level.term = true;
        break;
    }
  }
  return result(level);
}

function result({ decided, term }: Level): boolean {
  return decided || term;
}

function evaluateAtom(atom: Atom, info: Readonly<Record<string, unknown>>): boolean {
  if (atom.kind === "invalid") throw new FilterEvaluationError(`Invalid filter part ${pythonRepr(atom.text)}`);
  // Own keys only: `constructor` is a key like any other.
  const actual = Object.hasOwn(info, atom.key) ? info[atom.key] : undefined;
  const missing = actual === undefined || actual === null;
  if (atom.kind === "presence") {
    const present = typeof actual === "boolean" ? actual : !missing;
    return present !== atom.negated;
  }
  return !missing && compare(actual, atom.operator, atom.value) !== atom.negated;
}

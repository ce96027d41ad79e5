import { pythonRepr } from "../python-repr.ts";
import type { Flags } from "./characters.ts";
import { beginsFlags, readFlags } from "./flags.ts";
import { again, type Parser } from "./parser.ts";
import { lengthOf } from "./reader.ts";
import type { Node } from "./syntax.ts";

/** More groups than this cannot be named; far more than a pattern of 1,000 characters has. */
const MAX_GROUPS = 1_073_741_823;

/**
 * Reads what a round bracket begins, the bracket being taken.
 *
 * @param first Whether `(?i)` may stand here.
 * @returns the flags that now hold for the whole pattern, an item, or null for a comment.
 */
export function readGroup(parser: Parser, flags: Flags, first: boolean): Node | { flags: Flags } | null {
  const { reader } = parser;
  const start = reader.position - 1;
  if (!reader.takeIf("?")) return capture(parser, flags, start, null);
  const kind = reader.take();
  if (kind === null) throw reader.error("unexpected end of pattern");
  switch (kind) {
    case "P":
      return readNamed(parser, flags, start);
    case ":":
      return { kind: "group", number: null, of: content(parser, flags, start) };
    case ">":
      return { kind: "atomic", of: content(parser, flags, start) };
    case "#":
      return skipComment(parser, start);
    case "=":
    case "!":
    case "<":
      return readLook(parser, kind, flags, start);
    case "(":
      return readCondition(parser, flags, start);
  }
  if (!beginsFlags(kind)) throw reader.error(`unknown extension ?${kind}`, lengthOf(kind) + 1);
  const change = readFlags(reader, kind, flags);
  if (!change.whole) return { kind: "group", number: null, of: content(parser, change.flags, start) };
  if (!first) throw reader.errorAt("global flags not at the start of the expression", start);
  return { flags: change.flags };
}

/** The inside of a group and its closing bracket. */
function content(parser: Parser, flags: Flags, start: number): Node {
  return closed(parser, start, () => parser.alternatives(flags));
}

function closed<T>({ reader }: Parser, start: number, read: () => T): T {
  const inside = read();
  if (!reader.takeIf(")")) throw reader.errorAt("missing ), unterminated subpattern", start);
  return inside;
}

function capture(parser: Parser, flags: Flags, start: number, name: string | null): Node {
  const number = parser.groups.open(name);
  const of = content(parser, flags, start);
  parser.groups.close(number, of);
  return { kind: "group", number, of };
}

function readNamed(parser: Parser, flags: Flags, start: number): Node {
  const { reader, groups } = parser;
  if (reader.takeIf("<")) {
    const name = reader.takeUntil(">", "group name");
    reader.checkName(name);
    return capture(parser, flags, start, name);
  }
  if (reader.takeIf("=")) {
    const name = reader.takeUntil(")", "group name");
    reader.checkName(name);
    return again(groups.referByName(name), flags);
  }
  const token = reader.take();
  if (token === null) throw reader.error("unexpected end of pattern");
  throw reader.error(`unknown extension ?P${token}`, lengthOf(token) + 2);
}

function skipComment({ reader }: Parser, start: number): null {
  for (;;) {
    const token = reader.take();
    if (token === null) throw reader.errorAt("missing ), unterminated comment", start);
    if (token === ")") return null;
  }
}

function readLook(parser: Parser, kind: "=" | "!" | "<", flags: Flags, start: number): Node {
  const { reader, groups } = parser;
  if (kind !== "<") return { kind: "look", ahead: true, negative: kind === "!", of: content(parser, flags, start) };
  const sign = reader.take();
  if (sign === null) throw reader.error("unexpected end of pattern");
  if (sign !== "=" && sign !== "!") throw reader.error(`unknown extension ?<${sign}`, lengthOf(sign) + 2);
  const of = closed(parser, start, () => groups.insideBehind(() => parser.alternatives(flags)));
  return { kind: "look", ahead: false, negative: sign === "!", of };
}

function readCondition(parser: Parser, flags: Flags, start: number): Node {
  const { reader, groups } = parser;
  const name = reader.takeUntil(")", "group name");
  const group = groups.condition(conditionGroup(parser, name), reader.position - lengthOf(name) - 1);
  return closed(parser, start, () => {
    const yes = parser.sequence(flags);
    const no: Node = reader.takeIf("|") ? parser.sequence(flags) : { kind: "sequence", items: [] };
    if (reader.next === "|") throw reader.error("conditional backref with more than two branches");
    return { kind: "if", group, yes, no };
  });
}

function conditionGroup({ reader, groups }: Parser, name: string): number {
  if (/^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name)) return groups.numberOf(name);
  const back = lengthOf(name) + 1;
  if (!/^[0-9]+$/.test(name)) throw reader.error(`bad character in group name ${pythonRepr(name)}`, back);
  const number = Number(name);
  if (number === 0) throw reader.error("bad group number", back);
  if (number >= MAX_GROUPS) throw reader.error(`invalid group reference ${number}`, back);
  return number;
}

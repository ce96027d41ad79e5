/** Reads a pattern in the syntax of Python's `re`, with its messages: clients show them to whoever wrote the pattern. */
import { anyCharacter, classOf, type Flags, literal } from "./characters.ts";
import { plainEscape } from "./escapes.ts";
import { Groups } from "./groups.ts";
import { again, type Parser } from "./parser.ts";
import { lineEnd, lineStart, placeOf } from "./places.ts";
import { readGroup } from "./read-group.ts";
import { readRepeat } from "./read-repeat.ts";
import { lengthOf, Reader } from "./reader.ts";
import { readSet } from "./set.ts";
import { type Node, type Pattern, RegexTooComplexError } from "./syntax.ts";

const NO_FLAGS: Flags = { ignoreCase: false, multiline: false, dotAll: false, ascii: false, verbose: false };
/** How deep groups may stand in one another: each level takes six calls on the stack. */
const MAX_DEPTH = 100;
const VERBOSE_SPACE = /^[ \t\n\r\v\f]$/;

/**
 * @throws RegexSyntaxError with the text of Python's `re.error`; RegexTooComplexError for groups over 100 deep.
 * @example parsePattern("(?i)a+") // a repeat of one character
 */
export function parsePattern(pattern: string): Pattern {
  const reader = new Reader(pattern);
  let depth = 0;
  const parser: Parser = {
    reader,
    groups: new Groups(reader),
    alternatives: (flags) => {
      depth += 1;
      if (depth > MAX_DEPTH) throw new RegexTooComplexError();
      const inside = readAlternatives(parser, flags);
      depth -= 1;
      return inside;
    },
    sequence: (flags) => readSequence(parser, { flags: { ...flags }, mayChange: false }),
  };
  const root = readWhole(parser);
  if (reader.next !== null) throw reader.error("unbalanced parenthesis");
  return { root, ...parser.groups.finish() };
}

/** Flags that a leading `(?i)` changes; only the very first sequence of a pattern may hold one. */
interface Scope {
  flags: Flags;
  mayChange: boolean;
}

function readWhole(parser: Parser): Node {
  const scope: Scope = { flags: { ...NO_FLAGS }, mayChange: true };
  const branches = [readSequence(parser, scope)];
  while (parser.reader.takeIf("|")) branches.push(parser.sequence(scope.flags));
  return either(branches);
}

function readAlternatives(parser: Parser, flags: Flags): Node {
  const branches = [parser.sequence(flags)];
  while (parser.reader.takeIf("|")) branches.push(parser.sequence(flags));
  return either(branches);
}

function either(branches: Node[]): Node {
  const [only] = branches;
  return only !== undefined && branches.length === 1 ? only : { kind: "either", branches };
}

function readSequence(parser: Parser, scope: Scope): Node {
  const { reader } = parser;
  const items: Node[] = [];
  while (reader.next !== null && reader.next !== "|" && reader.next !== ")") {
    const token = reader.take() ?? "";
    if (scope.flags.verbose && skipsInVerbose(reader, token)) continue;
    const item = readItem(parser, token, items, scope);
    if (item !== null) items.push(item);
  }
  return { kind: "sequence", items };
}

/** One item, whose first token was just taken; null for what changes the items before it, or nothing. */
function readItem(parser: Parser, token: string, items: Node[], scope: Scope): Node | null {
  const { reader } = parser;
  const { flags } = scope;
  if (token.startsWith("\\")) return readEscape(parser, token, flags);
  switch (token) {
    case ".":
      return { kind: "one", matches: anyCharacter(flags) };
    case "^":
      return { kind: "place", holds: lineStart(flags) };
    case "$":
      return { kind: "place", holds: lineEnd(flags) };
    case "[":
      return { kind: "one", matches: readSet(reader, flags) };
    case "(": {
      const read = readGroup(parser, flags, scope.mayChange && items.length === 0);
      if (read !== null && "flags" in read) {
        scope.flags = read.flags;
        return null;
      }
      return read;
    }
    case "*":
    case "+":
    case "?":
    case "{":
      if (readRepeat(reader, token, items)) return null;
  }
  return { kind: "one", matches: literal(token.codePointAt(0) ?? 0, flags) };
}

function readEscape({ reader, groups }: Parser, token: string, flags: Flags): Node {
  const letter = token.slice(1);
  const matches = classOf(letter, flags);
  if (matches !== null) return { kind: "one", matches };
  const holds = placeOf(letter, flags);
  if (holds !== null) return { kind: "place", holds };
  const read = plainEscape(reader, token);
  if ("code" in read) return { kind: "one", matches: literal(read.code, flags) };
  return again(groups.refer(read.group, lengthOf(read.text)), flags);
}

function skipsInVerbose(reader: Reader, token: string): boolean {
  if (VERBOSE_SPACE.test(token)) return true;
  if (token !== "#") return false;
  for (let skipped = reader.take(); skipped !== null && skipped !== "\n"; ) skipped = reader.take();
  return true;
}

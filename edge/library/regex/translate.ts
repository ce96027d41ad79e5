/**
 * Writes a pattern of Python's `re` for one of the two engines, with Python's messages for what people get wrong: clients show
 * them to whoever wrote the pattern.
 */
import { characterOf, classInside, literal } from "./characters.ts";
import {
  BACK_REFERENCE,
  BACK_REFERENCE_WITHOUT_CASE,
  type Cost,
  inBranches,
  inSequence,
  LITERAL,
  looked,
  PLACE,
  repeated,
  SET,
  UNICODE_CLASS,
  WORD_EDGE,
} from "./cost.ts";
import type { Dialect } from "./dialect.ts";
import { readSet } from "./read-set.ts";
import { RegexSyntaxError, RegexTooComplexError } from "./syntax.ts";
import { OUTSIDE, Tokens } from "./tokens.ts";

const FLAG_NAMES = { i: "ignoreCase", m: "multiline", s: "dotAll", x: "verbose", a: "ascii" } as const;
const NO_FLAGS = { ignoreCase: false, multiline: false, dotAll: false, verbose: false, ascii: false };
type Flags = typeof NO_FLAGS;

/** How deep groups may stand in one another: each level takes some calls on the stack, here and in the engines. */
const MAX_DEPTH = 100;

export interface Translation {
  source: string;
  ignoreCase: boolean;
  /** Whether it looks around or back, which no engine does in linear time. */
  backtracks: boolean;
  /** Whether it asks for the edges of words of any script. */
  wordEdges: boolean;
  /** Whether it can match at the start of a text only. */
  anchored: boolean;
  cost: Cost;
}

interface Item {
  text: string;
  cost: Cost;
  kind: "plain" | "place" | "look" | "repeat";
  /** The letter or sign of ASCII that it begins with, in lower case, if that is always the same. */
  first?: string;
  anchored?: boolean;
  /** Whether it takes single characters, as many as there are, or none: it cannot fail. */
  optional?: boolean;
}

/**
 * @throws RegexSyntaxError, mostly with the text of Python's `re.error`; RegexTooComplexError for groups over 100 deep.
 * @example translate("(?P<a>\\w)$", RE2).source // "(?<a>[\\p{L}\\p{N}_])(?:\\n?\\z)"
 */
export function translate(pattern: string, dialect: Dialect): Translation {
  return new Translator(pattern, dialect).translate();
}

class Translator {
  readonly #tokens: Tokens;
  readonly #dialect: Dialect;
  readonly #names = new Map<string, number>();
  readonly #open = new Set<number>();
  #groups = 0;
  #flags: Flags = NO_FLAGS;
  #backtracks = false;
  #wordEdges = false;
  /** Inside a look-behind, which engines go through from its end. */
  #behind = false;
  #depth = 0;

  constructor(pattern: string, dialect: Dialect) {
    this.#tokens = new Tokens(pattern);
    this.#dialect = dialect;
  }

  translate(): Translation {
    const { text, cost, anchored = false } = this.#alternatives(true);
    if (this.#tokens.next !== undefined) throw this.#tokens.error("unbalanced parenthesis", this.#tokens.index);
    const { ignoreCase } = this.#flags;
    return { source: text, ignoreCase, backtracks: this.#backtracks, wordEdges: this.#wordEdges, anchored, cost };
  }

  /** @param outermost Where a first `(?i)` may stand, which then holds for the whole. */
  #alternatives(outermost = false): Item {
    const branches = [this.#sequence(outermost, outermost)];
    while (this.#tokens.takeIf("|")) branches.push(this.#sequence(outermost, false));
    const [only] = branches;
    if (only !== undefined && branches.length === 1) return only;
    const firsts = branches.map(({ first }) => first);
    return {
      text: branches.map(({ text }) => text).join("|"),
      cost: inBranches(
        branches.map(({ cost }) => cost),
        !this.#behind && !firsts.includes(undefined) && new Set(firsts).size === firsts.length,
      ),
      kind: "plain",
      anchored: branches.every(({ anchored }) => anchored === true),
    };
  }

  #sequence(outermost: boolean, first: boolean): Item {
    const items: Item[] = [];
    while (!/^[|)]?$/.test(this.#tokens.next ?? "")) {
      const at = this.#tokens.index;
      const token = this.#tokens.take(OUTSIDE);
      if (this.#flags.verbose && this.#skipVerbose(token)) continue;
      if (/^(?:[*+?]|\{.)/.test(token)) items.push(this.#repeat(token, items.pop(), at));
      else if (/^\(\?[aimsux]+\)$/.test(token)) this.#setFlags(token, at, first && items.length === 0);
      else if (!token.startsWith("(?#")) items.push(this.#item(token, at));
    }
    const [begin] = items;
    const end = items.at(-1);
    // Nothing is left to send the engine back into it.
    if (outermost && end?.optional === true) end.cost = { ...end.cost, ways: 1, steps: 0 };
    return {
      text: items.map(({ text }) => text).join(""),
      cost: inSequence(items.map(({ cost }) => cost)),
      kind: "plain",
      ...(begin?.first === undefined ? {} : { first: begin.first }),
      anchored: begin?.anchored === true,
    };
  }

  /** Under `(?x)`: whether the token just taken is blank, or begins a comment, which is then taken too. */
  #skipVerbose(token: string): boolean {
    if (token === "#") this.#tokens.take(/[^\n]*/y);
    return /^[ \t-\r#]$/.test(token);
  }

  #setFlags(token: string, at: number, allowed: boolean): void {
    if (!allowed) throw this.#tokens.error("global flags not at the start of the expression", at);
    this.#flags = withFlags(this.#flags, token);
  }

  #item(token: string, at: number): Item {
    const { multiline, dotAll } = this.#flags;
    const { textStart, lineStart, lineEnd, lastLineEnd, anyCharacter } = this.#dialect;
    switch (token[0]) {
      case ".":
        return { text: dotAll ? anyCharacter : "[^\\n]", cost: SET, kind: "plain" };
      case "^":
        return multiline ? place(lineStart) : { ...place(textStart), anchored: true };
      case "$":
        return place(multiline ? lineEnd : lastLineEnd);
      case "[":
        return set(readSet(this.#tokens, this.#flags));
      case "(":
        return this.#group(token, at);
      case "\\":
        return this.#escape(token, at);
    }
    return one(token);
  }

  #escape(token: string, at: number): Item {
    const { ascii } = this.#flags;
    const word = classInside("\\w", ascii) ?? "";
    const inside = classInside(token, ascii);
    if (inside !== undefined) return set(token === "\\W" ? `[^${word}]` : `[${inside}]`);
    switch (token) {
      case "\\A":
        return { ...place(this.#dialect.textStart), anchored: true };
      case "\\Z":
        return place(this.#dialect.textEnd);
      case "\\b":
      case "\\B":
        this.#wordEdges ||= !ascii;
        return place(this.#dialect[token === "\\b" ? "wordEdge" : "notWordEdge"](word), WORD_EDGE);
      case "\\":
        throw this.#tokens.error("bad escape (end of pattern)", at);
    }
    if (/^\\[1-9][0-9]?$/.test(token)) return this.#again(Number(token.slice(1)), at + 1);
    const character = characterOf(token);
    if (character === null) throw this.#tokens.error(`bad escape ${token}`, at);
    return one(character);
  }

  /** The text of a group once more. */
  #again(group: number, at: number): Item {
    if (group > this.#groups) throw this.#tokens.error(`invalid group reference ${group}`, at);
    if (this.#open.has(group)) throw this.#tokens.error("cannot refer to an open group", at);
    this.#backtracks = true;
    const cost = this.#flags.ignoreCase ? BACK_REFERENCE_WITHOUT_CASE : BACK_REFERENCE;
    return { text: `(?:\\${group})`, cost, kind: "plain" };
  }

  #repeat(token: string, of: Item | undefined, at: number): Item {
    if (of === undefined || of.kind === "place") throw this.#tokens.error("nothing to repeat", at);
    if (of.kind === "repeat") throw this.#tokens.error("multiple repeat", at);
    const [min, max] = readCount(token);
    if (max < min) throw this.#tokens.error("min repeat greater than max repeat", at + 1);
    const lazy = token.length > 1 && token.endsWith("?") ? "?" : "";
    const count = `{${min},${max === Number.POSITIVE_INFINITY ? "" : max}}`;
    return {
      text: `${of.kind === "look" ? `(?:${of.text})` : of.text}${token.startsWith("{") ? count + lazy : token}`,
      cost: repeated(of.cost, min, max),
      kind: "repeat",
      ...(of.first === undefined || min === 0 ? {} : { first: of.first }),
      anchored: of.anchored === true && min > 0,
      optional: min === 0 && of.kind === "plain" && of.cost.ways === 1 && of.cost.steps <= UNICODE_CLASS.steps,
    };
  }

  /** What a round bracket begins, as `(?P<name>`, up to the closing one. */
  #group(token: string, at: number): Item {
    if (/^\(\?<?[=!]$/.test(token)) return this.#look(token, at);
    const name = /^\(\?P[<=](.+).$/.exec(token)?.[1];
    if (name !== undefined && token.startsWith("(?P=")) {
      const group = this.#names.get(name);
      if (group === undefined) throw this.#tokens.error(`unknown group name '${name}'`, at + "(?P=".length);
      return this.#again(group, at + "(?P=".length);
    }
    if (name !== undefined) return this.#capture(`(?<${name}>`, at, name);
    if (token !== "(") return this.#content(token, at);
    if (this.#tokens.takeIf("?")) throw this.#tokens.error(`unknown extension ?${this.#tokens.take(OUTSIDE)}`, at + 1);
    return this.#capture(token, at);
  }

  #capture(open: string, at: number, name?: string): Item {
    this.#groups += 1;
    const number = this.#groups;
    if (name !== undefined) {
      if (this.#names.has(name)) throw this.#tokens.error(`redefinition of group name '${name}'`, at + "(?P<".length);
      this.#names.set(name, number);
    }
    this.#open.add(number);
    const item = this.#inside(open, at);
    this.#open.delete(number);
    return item;
  }

  /** A group that only holds together, perhaps under other flags: `(?:`, `(?i-s:`. Of these, engines are told the case alone. */
  #content(token: string, at: number): Item {
    const outer = this.#flags;
    this.#flags = withFlags(outer, token);
    const { ignoreCase } = this.#flags;
    const item = this.#inside(ignoreCase === outer.ignoreCase ? "(?:" : ignoreCase ? "(?i:" : "(?-i:", at);
    this.#flags = outer;
    return item;
  }

  #look(token: string, at: number): Item {
    const outer = this.#behind;
    this.#behind ||= token.startsWith("(?<");
    this.#backtracks = true;
    const { text, cost } = this.#inside(token, at);
    this.#behind = outer;
    if (cost.unbounded && token.startsWith("(?<")) {
      throw new RegexSyntaxError("look-behind requires fixed-width pattern");
    }
    return { text, cost: looked(cost), kind: "look" };
  }

  /** The inside of a group and its closing bracket. */
  #inside(open: string, at: number): Item {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new RegexTooComplexError();
    const inside = this.#alternatives();
    this.#depth -= 1;
    if (!this.#tokens.takeIf(")")) throw this.#tokens.error("missing ), unterminated subpattern", at);
    return { ...inside, text: `${open}${inside.text})` };
  }
}

/** `(?im-s:`: letters after a hyphen are switched off. */
function withFlags(before: Flags, token: string): Flags {
  const flags = { ...before };
  const [on = "", off = ""] = token.split("-");
  for (const [letter, name] of Object.entries(FLAG_NAMES)) {
    if (on.includes(letter)) flags[name] = true;
    if (off.includes(letter)) flags[name] = false;
  }
  if (on.includes("u")) flags.ascii = false;
  return flags;
}

function readCount(token: string): [min: number, max: number] {
  const braces = /^\{([0-9]*)(,?)([0-9]*)/.exec(token);
  if (braces === null) return [token.startsWith("+") ? 1 : 0, token.startsWith("?") ? 1 : Number.POSITIVE_INFINITY];
  const [, low = "", comma = "", high = ""] = braces;
  return [Number(low), comma === "" ? Number(low) : high === "" ? Number.POSITIVE_INFINITY : Number(high)];
}

function one(character: string): Item {
  const first = /^[\0-\x7f]$/.test(character) ? { first: character.toLowerCase() } : {};
  return { text: literal(character), cost: LITERAL, kind: "plain", ...first };
}

function set(text: string): Item {
  return { text, cost: /[^\0-\x7f]|\\p/i.test(text) ? UNICODE_CLASS : SET, kind: "plain" };
}

function place(text: string, cost = PLACE): Item {
  return { text, cost, kind: "place" };
}

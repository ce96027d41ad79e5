import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FilterSyntaxError } from "../../../edge/library/filter/errors.ts";
import { parseFilter } from "../../../edge/library/filter/parse.ts";
import { answer } from "./answer.ts";

/** A filter as a reader thinks of it; printed, parsed and evaluated it has to say what it says here. */
type Tree =
  | { key: string }
  | { not: string }
  | { equals: [key: string, value: string] }
  | { all: Tree[] }
  | { any: Tree[] };

const key = fc.constantFrom("a", "b", "c", "long_key");
/** Any code points, surrogates and controls among them; fast-check's own such unit takes seconds to set up. */
const anything = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((codes) => String.fromCodePoint(...codes));
/** Texts that are no number: conversion is another test's matter. */
const value = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).map((text) => `x${text}`);
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: "medium" },
    key.map((name) => ({ key: name })),
    key.map((name) => ({ not: name })),
    fc.tuple(key, value).map((equals) => ({ equals })),
    fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
  ),
}));
const info = fc.dictionary(key, fc.oneof(fc.boolean(), fc.constant(null), value, fc.double()));

function says(tree: Tree, values: Record<string, unknown>): boolean {
  const present = (name: string) =>
    typeof values[name] === "boolean" ? values[name] : (values[name] ?? null) !== null;
  if ("key" in tree) return present(tree.key);
  if ("not" in tree) return !present(tree.not);
  if ("equals" in tree) return values[tree.equals[0]] === tree.equals[1];
  return "all" in tree ? tree.all.every((each) => says(each, values)) : tree.any.some((each) => says(each, values));
}

/** With as few brackets as the precedence allows, and a space wherever one may be. */
function print(tree: Tree, space: string): string {
  if ("key" in tree) return tree.key;
  if ("not" in tree) return `!${space}${tree.not}`;
  if ("equals" in tree) return `${tree.equals[0]}${space}=${space}${quoted(tree.equals[1])}`;
  const [parts, mark] = "all" in tree ? [tree.all, "&"] : [tree.any, "||"];
  const printed = parts.map((part) => {
    const text = print(part, space);
    return mark === "&" && "any" in part ? `(${space}${text}${space})` : text;
  });
  return printed.join(`${space}${mark}${space}`);
}

/** In the quotes that the text does not end with: a backslash before one would protect it. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "/").replaceAll("'", "\\'")}'`;
}
const spoken = (text: string) => text.replaceAll("\\", "/");

describe("filters of any shape", () => {
  it("a printed filter says what its tree says", () => {
    const space = fc.constantFrom("", " ", "  ", "\t");
    fc.assert(
      fc.property(tree, info, space, (shape, values, blank) => {
        const known = Object.fromEntries(
          Object.entries(values).map(([name, each]) => [name, typeof each === "string" ? spoken(each) : each]),
        );
        const plain = JSON.parse(JSON.stringify(shape, (_, each) => (typeof each === "string" ? spoken(each) : each)));
        expect(answer(print(shape, blank), known)).toBe(says(plain, known));
      }),
      { numRuns: 500 },
    );
  });

  it("any text is read to its end or refused by a documented text", () => {
    const piece = fc.constantFrom(
      "(",
      ")",
      "&",
      "|",
      "||",
      "'",
      '"',
      "\\",
      " ",
      "!",
      "=",
      ">=",
      "~=",
      "*=",
      "?",
      "a",
      "yt:b",
      "5m",
      "é",
      "😀",
      "[",
      "+",
    );
    const documented =
      /^(?:Expected (?:ATOM|RPAREN)|Unexpected token .*|Unterminated quoted string in filter expression)$/s;
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: piece, maxLength: 60 }), anything), (text) => {
        try {
          parseFilter(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FilterSyntaxError);
          expect((error as Error).message).toMatch(documented);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("an evaluation answers, or throws its own error and no other", () => {
    const operator = fc.constantFrom("=", "!=", "<", "<=", ">", ">=", "*=", "!*=", "^=", "$=", "~=", "!~=");
    const right = fc.oneof(
      fc.string({
        unit: fc.constantFrom(
          "a",
          "(",
          ")",
          "[",
          "]",
          "*",
          "+",
          "?",
          "{",
          "2",
          ",",
          "}",
          "\\",
          "^",
          "$",
          "|",
          ".",
          "P",
          "<",
          ">",
          "=",
          "1",
        ),
        minLength: 1,
        maxLength: 12,
      }),
      anything.filter((text) => text !== ""),
    );
    fc.assert(
      fc.property(operator, right, fc.jsonValue(), (sign, text, left) => {
        const filter = `key${sign}"${text.replaceAll('"', '\\"')}"`;
        expect(["boolean", "string"]).toContain(typeof answer(filter, { key: left }));
      }),
      { numRuns: 1000 },
    );
  });

  it("a number equals itself in each spelling", () => {
    fc.assert(
      fc.property(fc.nat(999_999), (seconds) => {
        const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
        const spellings = [
          `${seconds}`,
          `+${seconds}`,
          `${seconds}s`,
          `${seconds}.0`,
          `${seconds}B`,
          `"${seconds} bytes"`,
          `${hours}:${minutes}:${rest}`,
          `${hours}h${minutes}m${rest}s`,
          `PT${hours}H${minutes}M${rest}S`,
        ];
        for (const one of spellings) {
          expect(answer(`key=${one}`, { key: seconds }), one).toBe(true);
          expect(answer(`key!=${one}`, { key: seconds }), one).toBe(false);
          expect(answer(`key>${one}`, { key: seconds + 1 }), one).toBe(true);
          for (const other of spellings)
            expect(answer(`key=${one}`, { key: other.replaceAll('"', "") }), one).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("40,000 brackets are read and evaluated", () => {
    const depth = 20_000;
    expect(answer(`${"(".repeat(depth)}a${")".repeat(depth)}`, { a: 1 })).toBe(true);
    expect(answer(`${"(a & ".repeat(depth)}b${")".repeat(depth)}`, { a: 1 })).toBe(false);
    expect(answer("(".repeat(depth), {})).toBe("Expected ATOM");
  });

  it.each([
    ["digits", `a=${"1".repeat(100_000)}`],
    ["digits and no unit", `a=${"1".repeat(100_000)}x`],
    ["colons", `a=${"1:".repeat(50_000)}`],
    ["spaces in a value", `a='1h${" ".repeat(100_000)}x'`],
    ["spaces", `a${" ".repeat(100_000)}=1`],
    ["marks of negation", "! ".repeat(50_000)],
    ["backslashes", `a=${"\\".repeat(100_000)}`],
    ["a key", "a".repeat(100_000)],
    ["quotes", `a=${"''".repeat(50_000)}`],
    ["comparisons", `${"a=1 & ".repeat(16_000)}a`],
  ])("a hundred kilobytes of %s is read to its end", (_, expression) => {
    expect(["boolean", "string"]).toContain(typeof answer(expression, { a: "1" }));
  });
});

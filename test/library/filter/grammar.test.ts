import { describe, expect, it } from "vitest";
import { answer } from "./answer.ts";

describe("the grammar of library API 12.1", () => {
  it.each<[what: string, expression: string, info: Record<string, unknown>, answer: boolean | string]>([
    ["spaces around everything are dropped", "  title   =   abc  ", { title: "abc" }, true],
    ["spaces around a negated operator are dropped", "title ! = abc", { title: "abd" }, true],
    ["a space after a leading ! is dropped", "! is_live", {}, true],
    ["a ! that no operator follows begins something new", "a !b", { a: 1 }, "Unexpected token '!b'"],
    ["a line feed is a space", "a\n& b", { a: 1, b: 1 }, true],
    ["the value follows ? at once", "a>? 5", { a: 6 }, "Unexpected token '5'"],
    ["spaces may stand before >?", "a >?5", { a: 6 }, true],
    ["only the first operator takes spaces away", "title = a = b", { title: "a=b" }, "Unexpected token '= b'"],
    ["quotes may stand inside bare text", "title=a' & 'b", { title: "a' & 'b" }, true],
    ["an empty quoted value is a text of two quotes", "title=''", { title: "''" }, true],
    ["double quotes need no escape for single ones", `title="it's"`, { title: "it's" }, true],
    ["a backslash protects a space", "title=a\\ b", { title: "a\\ b" }, true],
    ["a backslash protects a bracket", "title=a\\(b", { title: "a\\(b" }, true],
    ["the last backslash is itself", "title=a\\", { title: "a\\" }, true],
    ["an escaped backslash does not protect the quote", "title='a\\\\' & b", { title: "a\\\\", b: 1 }, true],
    ["one bar inside bare text is text", "title~=foo|bar", { title: "a bar" }, true],
    ["two bars end bare text", "title~=foo||bar", { bar: 1 }, true],
    ["a bracket ends bare text", "title=a(b)", { title: "a" }, "Unexpected token '(b)'"],
    ["inside brackets only their end may follow", "(a b)", { a: 1 }, "Expected RPAREN"],
    ["two ampersands want an atom between them", "a && b", { a: 1, b: 1 }, "Expected ATOM"],
    ["empty brackets want an atom", "()", {}, "Expected ATOM"],
    ["spaces alone are no atom", "   ", {}, "Expected ATOM"],
    ["an operator without a value is an atom that says nothing", "title >", {}, "Invalid filter part 'title>'"],
    ["digits are no part of a key", "key1", {}, "Invalid filter part 'key1'"],
    ["an invalid part is quoted as Python does", `it's"=1`, {}, "Unterminated quoted string in filter expression"],
    ["a single quote makes double quotes", "A='x'", {}, `Invalid filter part "A='x'"`],
    ["both kinds of quotes make an escape", `A='x"'`, {}, `Invalid filter part 'A=\\'x"\\''`],
    ["a control character is written out", "A=\u0007é", {}, "Invalid filter part 'A=\\x07é'"],
    ["what comes after && short circuits is not evaluated", "a & Bad", {}, false],
    ["what comes after || short circuits is not evaluated", "a || Bad", { a: 1 }, true],
    ["brackets are not evaluated either", "a & (Bad || Worse)", {}, false],
    ["& after || goes on", "a || b & Bad", { b: 1 }, "Invalid filter part 'Bad'"],
    ["yt: may be negated", "!yt:duration", {}, true],
    ["names of JavaScript are keys like others", "constructor || __proto__", {}, false],
  ])("%s: %s", (_, expression, info, expected) => {
    expect(answer(expression, info)).toBe(expected);
  });
});

import { describe, expect, it } from "vitest";
import { compileRegex } from "../../../edge/library/regex/search.ts";
import { RegexSyntaxError, RegexTooComplexError } from "../../../edge/library/regex/syntax.ts";

describe("what a pattern finds, as Python's re.search does", () => {
  it.each<[what: string, pattern: string, text: string, found: boolean]>([
    ["it searches, it does not match from the start", "b", "abc", true],
    ["case counts", "B", "abc", false],
    ["unless (?i) leads", "(?i)B", "abc", true],
    ["(?s) lets the dot take line feeds", "(?s)a.b", "a\nb", true],
    ["which it does not by itself", "a.b", "a\nb", false],
    ["(?m) lets ^ stand in each line", "(?m)^b", "a\nb", true],
    ["flags of a group end with it", "(?i:a)b", "AB", false],
    ["a dot takes a character beyond the BMP whole", "^.$", "😀", true],
    ["$ stands before a last line feed", "a$", "a\n", true],
    ["\\Z does not", "a\\Z", "a\n", false],
    ["\\A is the start of the text, not of a line", "(?m)\\Ab", "a\nb", false],
    ["a word has letters of any script", "^\\w+$", "Étéの١", true],
    ["and ends where they end", "\\bété\\b", "l'été dernier", true],
    ["but not inside them", "\\bt\\b", "été", false],
    ["digits are those of any script", "^\\d$", "٣", true],
    ["with (?a) only those of ASCII", "(?a)^\\d$", "٣", false],
    ["letters of other scripts have case", "(?i)ÉTÉ", "été", true],
    ["both sigmas are one letter", "(?i)σ", "ς", true],
    ["a set may exclude a class", "^[^\\W\\d_]+$", "Été", true],
    ["a bracket that comes first belongs to the set", "^[]a]+$", "a]", true],
    ["a brace that counts nothing is itself", "a{,}b{x}", "aab{x}", true],
    ["an edge of a word may stand by any letter", "(?i)\\bновости\\b", "Новости, 1 мая", true],
    ["and is none between two", "\\bнов", "сновости", false],
    ["a character may be written by its number", "^\\x41\\u00e9\\U0001F600\\101\\0$", "Aé😀A\0", true],
    ["a set may hold a class and its opposite", "^[\\W\\d]+$", "1 - 2", true],
    ["without case too", "(?i)^[^\\W_]+$", "Ιστορία", true],
    ["line feeds alone end a line", "(?m)a$", "a\rb", false],
    ["not those that JavaScript knows besides", "(?=a).+b$", "a\u2028b", true],
    ["a named group comes again", "(?P<x>[ab])(?P=x)", "abb", true],
    ["a group comes again by number", "^(a|b)\\1$", "ab", false],
    ["looking ahead takes nothing", "a(?=b)b", "ab", true],
    ["looking behind has a fixed width", "(?<!a)b", "ab", false],
    ["a lazy repeat takes as many as it must", "^a+?b$", "aab", true],
    ["(?x) ignores spaces and comments", "(?x) a b # c", "ab", true],
  ])("%s: %s in %j", (_, pattern, text, found) => {
    expect(compileRegex(pattern).search(text)).toBe(found);
  });

  it.each<[pattern: string, message: string]>([
    ["[a", "unterminated character set at position 0"],
    ["(a", "missing ), unterminated subpattern at position 0"],
    ["a)", "unbalanced parenthesis at position 1"],
    ["*a", "nothing to repeat at position 0"],
    ["a**", "multiple repeat at position 2"],
    ["a{3,2}", "min repeat greater than max repeat at position 2"],
    ["\\", "bad escape (end of pattern) at position 0"],
    ["é\\q", "bad escape \\q at position 1"],
    ["[z-a]", "bad character range z-a at position 1"],
    ["(a)\\2", "invalid group reference 2 at position 4"],
    ["(?<=a+)b", "look-behind requires fixed-width pattern"],
    ["😀(?z)", "unknown extension ?z at position 2"],
    ["(?P=n)", "unknown group name 'n' at position 4"],
    ["(?P<n>a)(?P<n>b)", "redefinition of group name 'n' at position 12"],
    ["a(?i)", "global flags not at the start of the expression at position 1"],
  ])("%j is refused in Python's words", (pattern, message) => {
    expect(() => compileRegex(pattern)).toThrow(new RegexSyntaxError(message));
  });
});

describe("the guard of library API 12.2", () => {
  it("a pattern has at most 1,000 characters, whatever their size", () => {
    expect(compileRegex("😀".repeat(1000)).search("x")).toBe(false);
    expect(() => compileRegex("a".repeat(1001))).toThrow(RegexTooComplexError);
  });

  it("nested repeats are fine in linear time, and refused where the pattern has to backtrack", () => {
    expect(compileRegex("(a+)+$").search(`${"a".repeat(5000)}!`)).toBe(false);
    for (const pattern of ["(a+)+(?=b)", "(?=(a*)*b)", "((?:ab*)+)\\1", "^(?!(?:a|b{2,})*c)", "^(?:(?!a*b).)*c"]) {
      expect(() => compileRegex(pattern), pattern).toThrow(RegexTooComplexError);
    }
  });

  it.each([
    "(?=a).*.*.*.*.*z",
    "(?=a)\\w*\\s*z",
    "(a*)(a*)(a*)(a*)(a*)\\5b",
    "(?:a{0,50}){0,50}(?<!a)b",
    "(?:a{1,3})+(?=b)",
    "(?:a?){30}a{30}(?=b)",
    "(?:a|a){30}(?=b)",
    "(?i)(?:ß|ẞ){30}(?=b)",
    "(?<=^(?:a|aa){40})b",
    "(?i)(\\w+)\\1b",
    "(?=a)(?:a?a?a?a?a?a?a?a?a?a?a?a?a?a?b)*",
  ])("%s, which backtracks without such repeats, is refused too", (pattern) => {
    expect(() => compileRegex(pattern)).toThrow(RegexTooComplexError);
  });

  it.each<[pattern: string, text: string]>([
    ["^(?!.*(?:trailer|teaser)).*live", "A live show"],
    ["(?i)^(?=.*\\blive\\b)(?=.*\\bété\\b)", "Live, cet été"],
    ["(?=.*a)(?=.*b)(?=.*c)", "cab"],
    [".*official(?! video).*", "The official audio"],
    ["(\\w+) \\1", "the the"],
    ["^(?:foo|bar)+(?=x)", "foobarx"],
    ["^(?:(?!foo).)*bar(?=x)", "a barx"],
  ])("%s is not", (pattern, text) => {
    expect(compileRegex(pattern).search(text)).toBe(true);
  });

  it("what RE2 does not count is counted in the first 1,000 characters", () => {
    expect(compileRegex("^.{999}b").search(`${"a".repeat(999)}b`)).toBe(true);
    expect(compileRegex("^(?:ab{1,2}){300}c").search(`${"ab".repeat(300)}c`)).toBe(true);
    expect(compileRegex("a{1001}").search("a".repeat(1001))).toBe(false);
  });

  it("edges of words are those of ASCII in longer texts of other letters", () => {
    const words = (count: number) => `${"é".repeat(count)} ete`;
    expect(compileRegex("\\bete\\b").search(words(2000))).toBe(true);
    expect(compileRegex("\\bé+\\b").search(words(990))).toBe(true);
    expect(compileRegex("\\bé+\\b").search(words(2000))).toBe(false);
  });

  it("a pattern that backtracks sees the first 1,000 characters", () => {
    const text = `${"é".repeat(999)}ab`;
    expect(compileRegex("a(?=b)").search(text)).toBe(false);
    expect(compileRegex("a(?!b)").search(text)).toBe(true);
    expect(compileRegex("ab").search(text)).toBe(true);
  });

  it("groups stand at most a hundred deep in one another", () => {
    const nested = (depth: number) => `${"(".repeat(depth)}ab${")".repeat(depth)}`;
    expect(compileRegex(nested(100)).search("ab")).toBe(true);
    for (const pattern of [nested(101), "(".repeat(1000), "(?=".repeat(333)]) {
      expect(() => compileRegex(pattern), pattern).toThrow(RegexTooComplexError);
    }
    expect(() => compileRegex("(?(".repeat(300))).toThrow(RegexSyntaxError);
  });

  it("counted repeats that would be written out without end are refused", () => {
    for (const pattern of [
      "(?:a{1000}){1000}",
      "(?:a?){1000}a{1000}",
      "a{4000000000}",
      "(((a{99}){99}){99}){99}",
      "\\w".repeat(300),
    ]) {
      expect(() => compileRegex(pattern), pattern.slice(0, 30)).toThrow(RegexTooComplexError);
    }
  });
});

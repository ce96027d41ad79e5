import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quoteShellWord, ShellWordsError, splitShellWords } from "../../../edge/library/command-line/shell-words.ts";

describe("shell words", () => {
  it.each<[what: string, text: string, words: string[]]>([
    ["spaces, tabs and line ends part words", " a\tb\r\nc ", ["a", "b", "c"]],
    ["no other space does", "a\u00a0b\fc", ["a\u00a0b\fc"]],
    ["single quotes keep everything", `'a \\"b'`, [`a \\"b`]],
    ["double quotes let a quote and a backslash be escaped", `"a \\" \\\\ \\n 'b'"`, [`a " \\ \\n 'b'`]],
    ["quoted parts join what stands beside them", `a'b c'"d"e`, ["ab cde"]],
    ["an empty pair of quotes is a word", `'' a ""`, ["", "a", ""]],
    ["a backslash protects any character, a line feed too", "a\\ b\\\nc \\'", ["a b\nc", "'"]],
    ["# begins no comment", "a #b", ["a", "#b"]],
    ["nothing is no word", "", []],
  ])("%s: %j", (_, text, words) => {
    expect(splitShellWords(text)).toEqual(words);
  });

  it.each([
    ["'a", "No closing quotation"],
    ['"a\\"', "No closing quotation"],
    ["a \\", "No escaped character"],
    ['"a\\', "No escaped character"],
  ])("%j has %s", (text, message) => {
    expect(() => splitShellWords(text)).toThrow(new ShellWordsError(message));
  });

  it.each([
    ["", "''"],
    ["a-b_c/%(title).x=1:2,3@4+5", "'a-b_c/%(title).x=1:2,3@4+5'"],
    ["https://example.com/a.mp4", "https://example.com/a.mp4"],
    ["https://example.com/?a=b", "'https://example.com/?a=b'"],
    ["it's", `'it'"'"'s'`],
    ["é", "'é'"],
    ["a\n", "'a\n'"],
  ])("%j is quoted as %s", (word, quoted) => {
    expect(quoteShellWord(word)).toBe(quoted);
  });

  it("quoted words are split into themselves", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "'", '"', "\\", " ", "\n", "$", "é", "-", "#") });
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitShellWords(words.map(quoteShellWord).join(" "))).toEqual(words);
      }),
    );
  });
});

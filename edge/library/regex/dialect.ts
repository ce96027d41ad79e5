/** What the two engines write differently. Neither is told Python's flags but `i`: the others are written out. */
export interface Dialect {
  textStart: string;
  textEnd: string;
  lineStart: string;
  lineEnd: string;
  /** `$` without `m`: the end, or before a last line feed. */
  lastLineEnd: string;
  anyCharacter: string;
  wordEdge(word: string): string;
  notWordEdge(word: string): string;
}

/** RE2's `\b` knows ASCII alone, and looking around, which would tell it more, is not in its syntax. */
export const RE2: Dialect = {
  textStart: "\\A",
  textEnd: "\\z",
  lineStart: "(?m:^)",
  lineEnd: "(?m:$)",
  // It takes the line feed, for want of looking ahead: nothing but an end can follow it.
  lastLineEnd: "(?:\\n?\\z)",
  anyCharacter: "(?s:.)",
  wordEdge: () => "\\b",
  notWordEdge: () => "\\B",
};

/** With the flag `u`. Its own `m` and `.` know more line ends than Python does. */
export const JAVASCRIPT: Dialect = {
  textStart: "^",
  textEnd: "$",
  lineStart: "(?<![^\\n])",
  lineEnd: "(?![^\\n])",
  lastLineEnd: "(?=\\n?$)",
  anyCharacter: "[^]",
  wordEdge: (word) => `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`,
  notWordEdge: (word) => `(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}]))`,
};

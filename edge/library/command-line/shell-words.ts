/** Shell words by the rules of Python's `shlex`, in POSIX mode and without comments: a `cli` is split by the same ones everywhere. */

/** The message is Python's. */
export class ShellWordsError extends Error {
  override readonly name = "ShellWordsError";
}

const SPACE = /[ \t\r\n]/;
const PLAIN_RUN = /[^ \t\r\n'"\\]+/y;
/** What may stand in a word without quotes. */
const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * As `shlex.split(text)`.
 *
 * @throws ShellWordsError `No closing quotation` or `No escaped character`.
 * @example splitShellWords(`-o '%(title)s.%(ext)s' -x`) // ["-o", "%(title)s.%(ext)s", "-x"]
 */
export function splitShellWords(text: string): string[] {
  const words: string[] = [];
  /** Null between words: an empty pair of quotes is a word too. */
  let word: string | null = null;
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? "";
    if (SPACE.test(character)) {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
      continue;
    }
    const piece = readPiece(text, at);
    word = (word ?? "") + piece.text;
    at = piece.end;
  }
  if (word !== null) words.push(word);
  return words;
}

/** A quoted part, an escaped character or a run of plain ones, which begins there. */
function readPiece(text: string, start: number): { text: string; end: number } {
  switch (text[start]) {
    case "'": {
      const end = text.indexOf("'", start + 1);
      if (end === -1) throw new ShellWordsError("No closing quotation");
      return { text: text.slice(start + 1, end), end: end + 1 };
    }
    case '"':
      return readDoubleQuoted(text, start);
    case "\\":
      if (start + 1 === text.length) throw new ShellWordsError("No escaped character");
      return { text: text.slice(start + 1, start + 2), end: start + 2 };
    default:
      PLAIN_RUN.lastIndex = start;
      PLAIN_RUN.test(text);
      return { text: text.slice(start, PLAIN_RUN.lastIndex), end: PLAIN_RUN.lastIndex };
  }
}

/** Here a backslash protects the quote and itself; before anything else it stays. */
function readDoubleQuoted(text: string, start: number): { text: string; end: number } {
  let inside = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === '"') return { text: inside, end: at + 1 };
    if (character !== "\\") {
      inside += character;
      continue;
    }
    at += 1;
    const escaped = text[at];
    if (escaped === undefined) throw new ShellWordsError("No escaped character");
    inside += escaped === '"' || escaped === "\\" ? escaped : `\\${escaped}`;
  }
  throw new ShellWordsError("No closing quotation");
}

/**
 * As `shlex.quote(word)`.
 *
 * @example quoteShellWord("it's") // `'it'"'"'s'`
 */
export function quoteShellWord(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

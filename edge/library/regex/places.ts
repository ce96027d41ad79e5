/** Places between characters: the assertions that take nothing. */
import { classOf, type Flags } from "./characters.ts";
import type { Codes } from "./syntax.ts";

type Place = (text: Codes, at: number) => boolean;

const NEWLINE = 0x0a;

const atStart: Place = (_text, at) => at === 0;
const atEnd: Place = (text, at) => at === text.length;

/** `^` */
export function lineStart({ multiline }: Flags): Place {
  return multiline ? (text, at) => at === 0 || text[at - 1] === NEWLINE : atStart;
}

/** `$`, which outside of multi-line mode also stands before a last line feed. */
export function lineEnd({ multiline }: Flags): Place {
  return multiline
    ? (text, at) => at === text.length || text[at] === NEWLINE
    : (text, at) => at === text.length || (at === text.length - 1 && text[at] === NEWLINE);
}

/** `\A`, `\Z`, `\b`, `\B`; null for any other letter. `\B` in an empty text holds, as it does since Python 3.14. */
export function placeOf(letter: string, flags: Flags): Place | null {
  if (letter === "A") return atStart;
  if (letter === "Z") return atEnd;
  if (letter === "b") return boundary(flags);
  if (letter !== "B") return null;
  const isBoundary = boundary(flags);
  return (text, at) => !isBoundary(text, at);
}

function boundary(flags: Flags): Place {
  const isWord = classOf("w", flags) ?? (() => false);
  const wordAt = (text: Codes, at: number): boolean => {
    const code = text[at];
    return code !== undefined && isWord(code);
  };
  return (text, at) => wordAt(text, at - 1) !== wordAt(text, at);
}

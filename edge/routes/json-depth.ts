/** How deep a JSON text may nest: past some 10,000 levels, walking or writing its value overflows the stack. */

/** `metadata` may have 4,096 bytes, which cannot nest deeper than half of that. */
const MAX_JSON_DEPTH = 2_100;

/** Looks at brackets only, outside of strings: whether the text is JSON at all is the parser's business. */
export function nestsTooDeep(text: string): boolean {
  if (text.length <= MAX_JSON_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  // A loop, as a pattern for strings takes time in the square of the length when one is not closed.
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === "\\") at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > MAX_JSON_DEPTH) return true;
  }
  return false;
}

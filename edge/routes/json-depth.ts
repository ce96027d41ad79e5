/** How deep a JSON text may nest: past some 10,000 levels, walking or writing its value overflows the stack. */

/** `metadata` may have 4,096 bytes, which cannot nest deeper than half of that. */
const MAX_JSON_DEPTH = 2_100;

/** Looks at brackets only, outside of strings: whether the text is JSON at all is the parser's business. */
export function nestsTooDeep(text: string): boolean {
  if (text.length <= MAX_JSON_DEPTH) return false;
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > MAX_JSON_DEPTH) return true;
  }
  return false;
}

/** Texts that a node brings from a source: kept as the author wrote them, without what could harm a page or a row. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose; line breaks and tabs stay
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** At most `maxLength` Unicode code points without control characters; null when nothing is left. */
export function sourceText(text: string | null, maxLength: number): string | null {
  if (text === null) return null;
  const clean = text.toWellFormed().replace(CONTROL, "").trim();
  const cut = clean.length <= maxLength ? clean : [...clean].slice(0, maxLength).join("");
  return cut === "" ? null : cut;
}

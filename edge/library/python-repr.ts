/** How Python writes a text in a message, and what it calls the type of a value: messages of the library API quote both. */

const NAMED: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
/** What `str.isprintable` refuses: controls, formats, surrogates, unassigned, separators but the plain space. */
const NOT_PRINTABLE = /^[\p{C}\p{Z}]$/u;

/**
 * @example pythonRepr("it's") // `"it's"`
 * @example pythonRepr("a\n") // `'a\\n'`
 */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let inside = "";
  for (const character of text) inside += character === quote ? `\\${quote}` : writeCharacter(character);
  return `${quote}${inside}${quote}`;
}

function writeCharacter(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  if (character === " " || !NOT_PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x1_0000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}

/** The type of a JSON value by Python's name; what JavaScript cannot tell from an integer (`5.0`) is one. */
export function pythonTypeName(value: unknown): string {
  if (value === null || value === undefined) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint" || Number.isInteger(value)) return "int";
  return typeof value === "number" ? "float" : "dict";
}

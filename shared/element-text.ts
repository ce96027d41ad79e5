/**
 * The little XML that storage providers speak to us. What we look for is flat and its element names unique, so no parser is
 * needed; a server may write a prefix before every name, and its texts as CDATA.
 */

const PREFIX = "(?:[A-Za-z_][\\w.-]{0,30}:)?";
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
/** Half of a pair is no character: no URL can hold it. */
const SURROGATES = { first: 0xd800, last: 0xdfff };
const LAST_CODE_POINT = 0x10ffff;

/** Text of the first element of this name; null without one. */
export function elementText(xml: string, name: string): string | null {
  const text = "(?:\\s*<!\\[CDATA\\[([\\s\\S]*?)\\]\\]>\\s*|([^<]*))";
  const found = new RegExp(`<(${PREFIX}${name})(?:\\s[^>]*)?>${text}</\\1\\s*>`).exec(xml);
  if (found === null) return null;
  const [, , literal, escaped = ""] = found;
  return literal ?? unescapeXml(escaped.trim());
}

/** What is inside each element of this name, which does not nest. */
export function elementsOf(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<(${PREFIX}${name})(?:\\s[^>]*)?>([\\s\\S]*?)</\\1\\s*>`, "g"));
  return [...found].map(([, , inside = ""]) => inside);
}

/** Whether the element begins anywhere. */
export function hasElement(xml: string, name: string): boolean {
  return new RegExp(`<${PREFIX}${name}[\\s>]`).test(xml);
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return character(Number.parseInt(hex, 16)) ?? whole;
    if (decimal !== undefined) return character(Number(decimal)) ?? whole;
    return ENTITIES[String(name)] ?? whole;
  });
}

/** Null: there is no such character, though a stranger names it. */
function character(codePoint: number): string | null {
  const none = codePoint > LAST_CODE_POINT || (codePoint >= SURROGATES.first && codePoint <= SURROGATES.last);
  return none ? null : String.fromCodePoint(codePoint);
}

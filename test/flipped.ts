/**
 * The same text but for its first character, for signatures and ids: a fixed one in its place may be what stood there, and
 * the last one of base64url may hold bits that do not count.
 */
export function flipped(text: string): string {
  return (text.startsWith("A") ? "B" : "A") + text.slice(1);
}

/** Headers that belong to one connection and must not be passed on (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `name` in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

/**
 * Node's raw headers (name, value, name, value …) without those of the connection, those that `Connection` names, and
 * `drop`. Spelling, order and repetitions stay.
 */
export function passOn(raw: readonly string[], drop: readonly string[] = []): string[] {
  const dropped = new Set(drop);
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== "connection") continue;
    for (const name of (raw[index + 1] ?? "").split(",")) dropped.add(name.trim().toLowerCase());
  }
  const kept: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const lower = name.toLowerCase();
    if (!isHopByHop(lower) && !dropped.has(lower)) kept.push(name, raw[index + 1] ?? "");
  }
  return kept;
}

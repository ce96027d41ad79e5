/** What all request signatures have in common: how texts, paths, queries and times are written. */

/** RFC 3986: everything but `A–Z a–z 0–9 - . _ ~` as `%XX`. `encodeURIComponent` leaves five characters more alone. */
export function encodeStrict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** An object key as the path of a URL: its slashes stay. */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeStrict).join("/");
}

/** Null: a parameter without `=`, such as `?uploads`. */
export type Query = Readonly<Record<string, string | null>>;

/** The query in the order of its names' code units, as canonical requests want it; `order: "given"` keeps it as it is. */
export function encodeQuery(query: Query, order: "sorted" | "given"): string {
  const pairs = Object.entries(query).map(([name, value]): [string, string] => [
    encodeStrict(name),
    value === null ? "" : `=${encodeStrict(value)}`,
  ]);
  if (order === "sorted") pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return pairs.map(([name, value]) => name + value).join("&");
}

/** `20261125T093000Z`, the time in the signatures of S3 and its kin. @param at Unix milliseconds */
export function basicTime(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** Header names in lower case, sorted, with trimmed values: the way they are signed. */
export function canonicalHeaders(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers)
    .map(([name, value]): [string, string] => [name.toLowerCase(), value.trim().replace(/\s{2,}/g, " ")])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

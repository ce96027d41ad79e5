import type { Flags } from "./characters.ts";
import type { Reader } from "./reader.ts";

const NAMES: Record<string, keyof Flags | "unicode" | "locale"> = {
  i: "ignoreCase",
  m: "multiline",
  s: "dotAll",
  x: "verbose",
  a: "ascii",
  u: "unicode",
  L: "locale",
};

/** `(?i)` holds from here to the end of the pattern, `(?i-s:…)` inside its group. */
export interface FlagChange {
  whole: boolean;
  flags: Flags;
}

/** Reads the letters of `(?…`, the first of which was just taken. */
export function readFlags(reader: Reader, first: string, before: Flags): FlagChange {
  const flags = { ...before };
  const added = new Set<string>();
  let token = first;
  while (token !== "-") {
    addFlag(reader, token, added, flags);
    token = takeLetter(reader, "missing -, : or )", ")-:");
    if (token === ")") return { whole: true, flags };
    if (token === ":") return { whole: false, flags };
  }
  token = takeLetter(reader, "missing flag", "");
  while (token !== ":") {
    removeFlag(reader, token, added, flags);
    token = takeLetter(reader, "missing :", ":");
  }
  return { whole: false, flags };
}

function addFlag(reader: Reader, letter: string, added: Set<string>, flags: Flags): void {
  const name = NAMES[letter];
  if (name === "locale") throw reader.error("bad inline flags: cannot use 'L' flag with a str pattern");
  added.add(letter);
  if (added.has("a") && added.has("u")) {
    throw reader.error("bad inline flags: flags 'a', 'u' and 'L' are incompatible");
  }
  if (name === "unicode") flags.ascii = false;
  else if (name !== undefined) flags[name] = true;
}

function removeFlag(reader: Reader, letter: string, added: ReadonlySet<string>, flags: Flags): void {
  const name = NAMES[letter];
  if (name === "ascii" || name === "unicode" || name === "locale") {
    throw reader.error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'");
  }
  if (added.has(letter)) throw reader.error("bad inline flags: flag turned on and off", 1);
  if (name !== undefined) flags[name] = false;
}

function takeLetter(reader: Reader, missing: string, ends: string): string {
  const token = reader.take();
  if (token === null) throw reader.error(missing);
  if (ends.includes(token) || Object.hasOwn(NAMES, token)) return token;
  throw reader.error(/^\p{L}$/u.test(token) ? "unknown flag" : missing, Array.from(token).length);
}

/** Whether a token after `(?` begins flags. */
export function beginsFlags(token: string): boolean {
  return token === "-" || Object.hasOwn(NAMES, token);
}

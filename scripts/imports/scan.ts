/** One import as it stands in a source file. */
export interface Import {
  specifier: string;
  /** From 1. */
  line: number;
}

/**
 * A static import or re-export begins a line, or ends a list of names that did (biome's format guarantees both); a dynamic
 * or type import may stand anywhere. Comments do not match: their lines begin with `*` or `//`.
 */
const STATIC =
  /^(?:import|export)\s+(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})?\s*from\s*["']([^"']+)["']|^import\s*["']([^"']+)["']/gm;
const DYNAMIC = /^(?!\s*(?:\*|\/\/)).*?\bimport\(\s*["'`]([^"'`]+)["'`]/gm;

/**
 * Lists all module specifiers of a TypeScript source, type-only ones too: a type is a dependency as well, and esbuild's
 * metafile, which would be exact, no longer has them.
 *
 * @example importsOf('import { a } from "./a.ts";') // [{ specifier: "./a.ts", line: 1 }]
 */
export function importsOf(source: string): Import[] {
  return [...source.matchAll(STATIC), ...source.matchAll(DYNAMIC)].map((match) => {
    // The specifier ends the match, so this is its line even when the list of names is long.
    const end = match.index + match[0].length;
    return { specifier: match[1] ?? match[2] ?? "", line: source.slice(0, end).split("\n").length };
  });
}

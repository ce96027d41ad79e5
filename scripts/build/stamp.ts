import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The root of the clone. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** What a build reads: folders are taken whole, `without` names sub-folders that it does not read. */
export interface Inputs {
  paths: readonly string[];
  without?: readonly string[];
}

function filesBelow(path: string, without: readonly string[]): string[] {
  if (without.includes(path)) return [];
  const entries = readdirSync(join(ROOT, path), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const child = `${path}/${entry.name}`;
    if (entry.isDirectory()) return entry.name.startsWith(".") ? [] : filesBelow(child, without);
    return entry.name.endsWith(".tsbuildinfo") ? [] : [child];
  });
}

/** SHA-256 over the names and contents of all inputs: times change with every checkout, contents do not. */
export function hashInputs({ paths, without = [] }: Inputs): string {
  const hash = createHash("sha256");
  const files = paths.flatMap((path) => (path.includes(".") ? [path] : filesBelow(path, without)));
  for (const file of files.sort()) {
    if (existsSync(join(ROOT, file)))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(ROOT, file)))
        .update("\0");
  }
  return hash.digest("hex");
}

/** True when `output` exists and was built from inputs with this hash. */
export function isFresh(stamp: string, output: string, hash: string): boolean {
  return existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
}

/** Remembers what the output was built from; written last, so that a build that died is stale. */
export function writeStamp(stamp: string, hash: string): void {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

import { resolve } from "node:path";
import { resolveTools, type Tools } from "../../../worker-node/tools.ts";

let found: Promise<Tools> | undefined;

/** The real tools of this checkout; looked for once per test file. */
export function realTools(): Promise<Tools> {
  found ??= resolveTools({ env: process.env, checkout: resolve(import.meta.dirname, "../../..") });
  return found;
}

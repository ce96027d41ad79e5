import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageLayout } from "../edge/local/package-root.ts";

/** The version in package.json, in the clone and in an installed package alike. */
export function packageVersion(): string {
  const text = readFileSync(join(packageLayout().root, "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** Part of `npm run lint`: which folder may import what. The rules are data in `imports/rules.ts`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { forbidden } from "./imports/rules.ts";
import { importsOf } from "./imports/scan.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDERS = ["bin", "edge", "scripts", "shared", "test", "worker-node"];

function sourceFiles(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") || path.endsWith(".mjs"))
      .map((path) => `${folder}/${path}`),
  );
}

const problems = sourceFiles().flatMap((file) =>
  importsOf(readFileSync(join(ROOT, file), "utf8")).flatMap(({ specifier, line }) => {
    const reason = forbidden(file, specifier);
    return reason === null ? [] : [`${file}:${line} imports "${specifier}": ${reason}`];
  }),
);

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

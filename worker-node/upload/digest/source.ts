/** The text of `thread.mjs`. The build puts the text itself in the place of this module (`scripts/build/cli.ts`). */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const threadSource: string = readFileSync(join(import.meta.dirname, "thread.mjs"), "utf8");

/** The text of `questions.py`. The build puts the text itself in the place of this module (`scripts/build/cli.ts`). */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const questionsSource: string = readFileSync(join(import.meta.dirname, "questions.py"), "utf8");

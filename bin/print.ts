import { formatTable } from "./format.ts";

/** The answer for programs, or what a person reads. */
export function print(json: boolean | undefined, answer: unknown, text: string): void {
  process.stdout.write(`${json === true ? JSON.stringify(answer) : text}\n`);
}

/** A table with its head; without rows only a word on stderr, so that scripts count lines. */
export function printTable(
  json: boolean | undefined,
  answer: unknown,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): void {
  if (json === true || rows.length > 0) print(json, answer, formatTable([head, ...rows]));
  else process.stderr.write(`${empty}\n`);
}

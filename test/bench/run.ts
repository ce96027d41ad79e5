/**
 * `npm run bench [NAME…]`: the budgets, each against its peer in the same run (`test/bench/`). Prints a table and writes
 * `bench-results.json`. Exit 1 if a budget was missed; a missed budget is a finding and no failed test.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { ROOT, run } from "../../scripts/test/run.ts";
import type { Bench, Row } from "./bench.ts";

const FOLDER = import.meta.dirname;
const SUFFIX = ".bench.ts";

interface Result {
  bench: string;
  rows: Row[];
  error: string | null;
}

/** Each in a process of its own: a bench may leave heap and caches that would slow the next one. */
async function runBench(file: string): Promise<Result> {
  const name = file.slice(0, -SUFFIX.length);
  const { default: bench } = (await import(join(FOLDER, file))) as { default: Bench };
  const child = await run(["node", import.meta.filename, "--one", file], { limitMillis: bench.limitMillis });
  const line = child.output.split("\n").find((each) => each.startsWith(ROWS_MARK));
  if (child.code === 0 && line !== undefined) {
    return { bench: bench.name, rows: JSON.parse(line.slice(ROWS_MARK.length)) as Row[], error: null };
  }
  const why = child.timedOut ? `took longer than ${bench.limitMillis} ms` : child.output.trim().slice(-2_000);
  return { bench: bench.name || name, rows: [], error: why };
}

const ROWS_MARK = "bench-rows ";

function verdict({ budget, ratio, ours }: Row): string {
  if (budget === null) return "-";
  const figure = ratio ?? ours;
  const kept = "atMost" in budget ? figure <= budget.atMost : figure >= budget.atLeast;
  const bound = "atMost" in budget ? `≤ ${budget.atMost}` : `≥ ${budget.atLeast}`;
  return `${bound} ${kept ? "kept" : "MISSED"}`;
}

function table(results: readonly Result[]): string {
  const number = (value: number | null) => (value === null ? "-" : value.toPrecision(4));
  const lines = results.flatMap(({ bench, rows, error }) =>
    error !== null
      ? [`${bench}\tFAILED: ${error.split("\n").at(-1)}`]
      : rows.map((row) =>
          [
            bench,
            row.what,
            `${number(row.ours)} ${row.unit}`,
            row.against === null ? "-" : `${row.against} ${number(row.peer)}`,
            `ratio ${number(row.ratio)}`,
            verdict(row),
          ].join("\t"),
        ),
  );
  return lines.join("\n");
}

const args = process.argv.slice(2);
if (args[0] === "--one") {
  const { default: bench } = (await import(join(FOLDER, args[1] ?? ""))) as { default: Bench };
  console.log(ROWS_MARK + JSON.stringify(await bench.run()));
} else {
  const files = readdirSync(FOLDER)
    .filter((file) => file.endsWith(SUFFIX))
    .filter((file) => args.length === 0 || args.some((name) => file.startsWith(name)));
  const results: Result[] = [];
  for (const file of files) {
    console.error(`bench: ${file}`);
    results.push(await runBench(file));
  }
  const machine = { cores: availableParallelism(), model: cpus()[0]?.model ?? "", node: process.versions.node };
  const report = { made_at: new Date().toISOString(), machine, results };
  writeFileSync(join(ROOT, "bench-results.json"), `${JSON.stringify(report, null, 2)}\n`);
  console.log(table(results));
  const missed = results.some(
    ({ rows, error }) => error !== null || rows.some((row) => verdict(row).endsWith("MISSED")),
  );
  process.exitCode = missed ? 1 : 0;
}

/**
 * `npm test`: type check and lint (one check each), then every test; the last line is `N passed, N failed[, N skipped]`.
 * `npm run test:long`: the `*.long.test.ts` files only. Further arguments go to vitest (`npm test -- test/shared`).
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Counts, judge, lastLine, type VitestReport } from "./test/report.ts";
import { ROOT, run, signalAll } from "./test/run.ts";

const MINUTE = 60_000;
const CHECK_LIMIT_MILLIS = 5 * MINUTE;
const TEST_LIMIT_MILLIS = 20 * MINUTE;
const LONG_LIMIT_MILLIS = 60 * MINUTE;

const REPORT = join(ROOT, ".cache", `vitest-${process.pid}.json`);

/** Runs an npm script as one check; shows what it said only if it failed. */
async function check(script: string): Promise<boolean> {
  const began = performance.now();
  const { code, output, timedOut } = await run(["npm", "run", "--silent", script], { limitMillis: CHECK_LIMIT_MILLIS });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const passed = code === 0 && !timedOut;
  if (!passed) console.log(output.trimEnd());
  console.log(`${passed ? "ok  " : "FAIL"} ${script} (${seconds} s)`);
  return passed;
}

async function checks(): Promise<Counts> {
  // One after the other: both keep two cores busy by themselves.
  const results = [await check("typecheck"), await check("lint")];
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}

/** The stack's tests load the Worker bundle; a build that fails is a failure, one that works is no test. */
async function build(): Promise<Counts> {
  const none: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(join(ROOT, "edge", "index.ts"))) return none;
  const { code, output } = await run(["node", "scripts/build.ts"], { limitMillis: CHECK_LIMIT_MILLIS });
  console.log(output.trimEnd());
  return code === 0 ? none : { ...none, failed: 1 };
}

async function vitest(long: boolean, args: readonly string[]): Promise<Counts> {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`];
  const { code, timedOut } = await run(["vitest", "run", ...reporters, ...args], {
    env: long ? { TRAWL_TEST_LONG: "1" } : {},
    toTerminal: true,
    limitMillis: long ? LONG_LIMIT_MILLIS : TEST_LIMIT_MILLIS,
  });
  const report = existsSync(REPORT) ? (JSON.parse(readFileSync(REPORT, "utf8")) as VitestReport) : null;
  rmSync(REPORT, { force: true });
  const verdict = judge(report, code);
  if (timedOut) console.log("FAIL the tests took too long and were killed");
  for (const problem of verdict.problems) console.log(`FAIL ${problem}`);
  return verdict;
}

// The first Ctrl-C lets vitest stop its workers and counts as a failure; the second is for what does not stop.
let interrupts = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupts += 1;
    signalAll(interrupts === 1 ? signal : "SIGKILL");
    if (interrupts > 1) process.exit(1);
  });
}

const args = process.argv.slice(2);
const long = args.includes("--long");
const rest = args.filter((arg) => arg !== "--long");
const parts = [...(long ? [] : [await checks()]), await build(), await vitest(long, rest)];
const total = parts.reduce((sum, part) => ({
  passed: sum.passed + part.passed,
  failed: sum.failed + part.failed,
  skipped: sum.skipped + part.skipped,
}));
console.log(lastLine(total));
process.exitCode = total.failed > 0 || interrupts > 0 ? 1 : 0;

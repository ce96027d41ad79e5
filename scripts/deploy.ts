/**
 * `npm run deploy [-- [--dry-run] [--config FILE]]`: builds the Worker, looks whether everything that it needs is there, applies the D1
 * migrations and deploys. What is missing is said all at once, with the command that makes it, before anything is changed.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./build/stamp.ts";
import { buildWorker } from "./build/worker.ts";
import { wrangler } from "./build/wrangler.ts";
import { findMissing, type Missing, missingInFiles } from "./deploy/missing.ts";
import { readTarget, type Target } from "./deploy/target.ts";
import { varFlags } from "./deploy/vars.ts";

const USAGE = "usage: npm run deploy [-- [--dry-run] [--config FILE]]";

const OPTIONS = {
  "dry-run": { type: "boolean", default: false },
  config: { type: "string", default: join(ROOT, "wrangler.toml") },
} as const;

async function main(args: string[]): Promise<number> {
  let values: { "dry-run": boolean; config: string };
  try {
    values = parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const target = readTarget(resolve(values.config));
  const { gzipBytes, built } = await buildWorker();
  console.log(`the Worker ${built ? "is built" : "is up to date"}: ${(gzipBytes / 1024).toFixed(1)} KiB gzipped`);
  return values["dry-run"] ? rehearse(target) : deploy(target);
}

/** Needs no account and no network. */
async function rehearse(target: Target): Promise<number> {
  const outDir = join(ROOT, "dist", `.deploy-${process.pid}`);
  try {
    const rehearsal = ["deploy", "--dry-run", "--outdir", outDir, ...configFlag(target), ...varFlags(process.env)];
    const { code } = await wrangler(rehearsal, { show: true });
    if (code !== 0) return 1;
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
  const missing = missingInFiles(target);
  if (missing.length > 0) tell("Before the first real deploy, here:", missing);
  console.log("Dry run: nothing was sent. The account, its bucket and its secrets were not looked at.");
  return 0;
}

async function deploy(target: Target): Promise<number> {
  const hasToken = Boolean(process.env.CLOUDFLARE_API_TOKEN);
  const missing = await findMissing(target, (args) => wrangler([...args, ...configFlag(target)]), hasToken);
  if (missing.length > 0) {
    tell("Not deployed; nothing was changed. Missing:", missing);
    return 1;
  }
  const steps = [
    ["d1", "migrations", "apply", target.database.binding, "--remote"],
    // Vars that somebody set in the dashboard stay.
    ["deploy", "--keep-vars", ...varFlags(process.env)],
  ];
  for (const step of steps) {
    const { code } = await wrangler([...step, ...configFlag(target)], { show: true });
    if (code === 0) continue;
    console.error(`wrangler ${step.slice(0, 3).join(" ")} failed (above)`);
    return 1;
  }
  return 0;
}

function configFlag({ config }: Target): string[] {
  return ["--config", config];
}

function tell(head: string, missing: readonly Missing[]): void {
  console.error(head);
  for (const { what, todo } of missing) console.error(`  - ${what}\n      ${todo.join("\n      ")}`);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HostError } from "./host-error.ts";
import { takeKernelLock } from "./kernel-lock.ts";
import { errorText, type Log } from "./log.ts";
import { packageLayout } from "./package-root.ts";

type Built = { built: boolean; path: string };
/** The part of `scripts/build.ts` that is used here; it does nothing when a bundle still fits its sources. */
type BuildScript = { buildWorker(): Promise<Built>; buildCli(): Promise<Built> };

/** A build takes a few seconds; whoever waits longer finds a builder that hangs. */
const BUILD_WAIT_MS = 120_000;

/**
 * The path of the Worker's one module. In a clone the production bundle is built first when a source is newer; of
 * several starters one builds and the others wait for it.
 *
 * @throws HostError `bundle_missing`
 */
export async function workerBundle(given: string | null, log: Log): Promise<string> {
  const { root, isClone } = packageLayout();
  if (given === null && isClone) return build("Worker", (script) => script.buildWorker(), root, log);
  const path = given ?? join(root, "dist", "worker", "index.js");
  if (!existsSync(path))
    throw new HostError("bundle_missing", `there is no Worker bundle at ${path}; run: npm run build`);
  return path;
}

/**
 * The one file that the embedded node is run from, built like the Worker's. A process that strips the types of its own
 * modules holds 30 MiB more for as long as it lives (docs/decisions/026).
 *
 * @throws HostError `bundle_missing`
 */
export async function nodeBundle(log: Log): Promise<string> {
  const { root, cli, isClone } = packageLayout();
  return isClone ? build("node", (script) => script.buildCli(), root, log) : cli;
}

async function build(
  what: string,
  run: (script: BuildScript) => Promise<Built>,
  root: string,
  log: Log,
): Promise<string> {
  await mkdir(join(root, ".cache"), { recursive: true });
  const lock = takeKernelLock(join(root, ".cache", "build.lock"), BUILD_WAIT_MS);
  if (lock === null) throw new HostError("bundle_missing", "another build does not end; stop it and try again");
  try {
    // Not a literal: the installed package has no scripts, and its bundler must not look for them.
    const script = (await import(pathToFileURL(join(root, "scripts", "build.ts")).href)) as BuildScript;
    const { built, path } = await run(script);
    if (built) log.info("bundle.built", { path });
    return path;
  } catch (error) {
    throw new HostError("bundle_missing", `the ${what} could not be built: ${errorText(error)}`, { cause: error });
  } finally {
    lock.release();
  }
}

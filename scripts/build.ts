/** `npm run build`: the Worker bundle, and the command line with the node as one file. Steps that are up to date are skipped. */
import { relative } from "node:path";
import { buildCli } from "./build/cli.ts";
import { ROOT } from "./build/stamp.ts";
import { buildWorker } from "./build/worker.ts";

export { buildCli, buildWorker };

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
const verb = (built: boolean): string => (built ? "built" : "is up to date");

async function main(): Promise<void> {
  const worker = await buildWorker();
  console.log(`${relative(ROOT, worker.path)} ${verb(worker.built)}, ${kib(worker.gzipBytes)} gzipped`);
  const cli = await buildCli();
  console.log(`${relative(ROOT, cli.path)} ${verb(cli.built)}, ${kib(cli.bytes)}`);
}

// By name, not by import.meta.main: that is true of every module that is bundled into an entry.
if (process.argv[1]?.endsWith("scripts/build.ts")) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}

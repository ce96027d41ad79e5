import { Command, InvalidArgumentError } from "commander";
import { httpUrl, portNumber, slotCount } from "../arguments.ts";
import { Failure } from "../cli-error.ts";
import { packageVersion } from "../package-version.ts";
import type { SetExit } from "../program.ts";

type NodeFlags = { edge: string; token?: string; name?: string; slots?: number; data?: string; metricsPort?: number };

/** `trawl node`: one worker node. */
export function nodeCommand(setExit: SetExit): Command {
  return new Command("node")
    .description("run a worker node")
    .requiredOption("--edge <url>", "base URL of the edge", httpUrl)
    .option("--token <token>", "enrolment token, needed the first time only (or TRAWL_ENROL_TOKEN)")
    .option("--name <name>", "public name of the node (default: the host's name)")
    .option("--slots <n>", "jobs to run at once (default: TRAWL_SLOTS or the number of cores)", slotCount)
    .option("--data <dir>", "folder of the node's identity and work (default: .trawl/node)")
    .option("--metrics-port <n>", "serve Prometheus metrics on this loopback port", portNumber)
    .action(async (flags: NodeFlags) => {
      // Loaded here: a client command has no use for the node's code.
      const { runNode } = await import("../../worker-node/main.ts");
      const code = await runNode({
        edge: flags.edge.replace(/\/+$/, ""),
        token: flags.token ?? (process.env.TRAWL_ENROL_TOKEN || null),
        name: flags.name ?? null,
        slots: flags.slots ?? slotsOf(process.env.TRAWL_SLOTS),
        dataDir: flags.data ?? `${process.env.TRAWL_DATA || ".trawl"}/node`,
        metricsPort: flags.metricsPort ?? null,
        version: packageVersion(),
      });
      setExit(code);
    });
}

function slotsOf(text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  try {
    return slotCount(text);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new Failure(`TRAWL_SLOTS is '${text}'. ${error.message}`);
    throw error;
  }
}

import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { HostError } from "./host-error.ts";
import { createLog, type Log, parseLogLevel } from "./log.ts";
import { packageLayout } from "./package-root.ts";

/** How to start the embedded host. What is left out comes from the environment, then from the default. */
export type HostOptions = {
  /** TCP port of the public socket; 0 takes a free one. Defaults to `TRAWL_PORT`, then 8787. */
  port?: number | undefined;
  /** Address to listen on. Defaults to `TRAWL_HOST`, then 127.0.0.1. */
  host?: string | undefined;
  /** Data folder. Defaults to `TRAWL_DATA`, then `.trawl`. */
  data?: string | undefined;
  /** Folder of the delivered files. Defaults to `TRAWL_DOWNLOADS`, then `downloads`. */
  downloads?: string | undefined;
  /** Download slots of the embedded node. Defaults to `TRAWL_SLOTS`, then the number of cores. */
  slots?: number | undefined;
  /** Whether to run a node beside the edge. Defaults to true. */
  node?: boolean | undefined;
  /** The Worker's one module. Defaults to the production bundle, built first in a clone when it is stale. */
  bundle?: string | undefined;
  /** Folder of the D1 migrations. Defaults to the package's. */
  migrations?: string | undefined;
  /** Program and leading arguments of the node process. Defaults to this package's own command line. */
  nodeCommand?: readonly string[] | undefined;
  /** Answers what the Worker fetches from the internet. Defaults to the egress guard. */
  outbound?: ((request: Request) => Promise<Response>) | undefined;
  /** The environment to read. Defaults to the process's. */
  env?: NodeJS.ProcessEnv | undefined;
  log?: Log | undefined;
  /** How long a stopping node may finish what it runs, milliseconds. Defaults to 10 s. */
  nodeStopMs?: number | undefined;
  /** How long it then may take to deliver what it was recording, milliseconds. Defaults to 30 s. */
  nodeEndMs?: number | undefined;
};

/** Options with every default filled in. */
export type ResolvedHost = {
  port: number;
  host: string;
  data: string;
  downloads: string;
  slots: number;
  node: boolean;
  bundle: string | null;
  migrations: string;
  /** Null: this package's own command line, which is built first in a clone. */
  nodeCommand: readonly [string, ...string[]] | null;
  outbound: ((request: Request) => Promise<Response>) | null;
  env: NodeJS.ProcessEnv;
  log: Log;
  nodeStopMs: number;
  nodeEndMs: number;
};

export const DEFAULT_PORT = 8787;
const DEFAULT_NODE_STOP_MS = 10_000;
const DEFAULT_NODE_END_MS = 30_000;

/**
 * Fills in what was left out.
 *
 * @throws HostError `bad_option` for a port or a number of slots in the environment that is no such number
 */
export function resolveHost(options: HostOptions): ResolvedHost {
  const env = options.env ?? process.env;
  const layout = packageLayout();
  const [program, ...args] = options.nodeCommand ?? [];
  return {
    port: options.port ?? envInteger(env, "TRAWL_PORT", 0, 65_535) ?? DEFAULT_PORT,
    host: options.host ?? (env.TRAWL_HOST || "127.0.0.1"),
    data: resolve(options.data ?? (env.TRAWL_DATA || ".trawl")),
    downloads: resolve(options.downloads ?? (env.TRAWL_DOWNLOADS || "downloads")),
    slots: options.slots ?? envInteger(env, "TRAWL_SLOTS", 1, 1024) ?? availableParallelism(),
    node: options.node ?? true,
    bundle: options.bundle === undefined ? null : resolve(options.bundle),
    migrations: options.migrations ?? join(layout.root, "migrations"),
    nodeCommand: program === undefined ? null : [program, ...args],
    outbound: options.outbound ?? null,
    env,
    log: options.log ?? createLog(parseLogLevel(env.TRAWL_LOG)),
    nodeStopMs: options.nodeStopMs ?? DEFAULT_NODE_STOP_MS,
    nodeEndMs: options.nodeEndMs ?? DEFAULT_NODE_END_MS,
  };
}

function envInteger(env: NodeJS.ProcessEnv, name: string, min: number, max: number): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new HostError("bad_option", `${name} must be an integer between ${min} and ${max}, not '${text}'`);
  }
  return value;
}

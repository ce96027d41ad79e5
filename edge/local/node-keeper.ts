import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { nextRestartMs, rest } from "./backoff.ts";
import { errorText, type Log } from "./log.ts";
import { spawnOwned } from "./owned-process.ts";

/** A node is a stranger, the embedded one too: what it must not know is not in its environment. */
const WITHHELD = [
  "TRAWL_ADMIN_TOKEN",
  "TRAWL_API_KEY",
  "TRAWL_SECRET",
  "TRAWL_KEK",
  "TRAWL_R2_KEY_ID",
  "TRAWL_R2_SECRET",
  "TRAWL_ENROL_TOKEN",
];
/** How the embedded node is run. */
export type NodeKeeperConfig = {
  /** Program and leading arguments, up to and including `node`. */
  command: readonly [string, ...string[]];
  edge: string;
  data: string;
  /** Exists once the node has enrolled. */
  identityFile: string;
  slots: number;
  /** Folder of the disk store's uploads, where the node may put finished files; null without that store. */
  handOverDir: string | null;
  env: NodeJS.ProcessEnv;
  /** Gets a token for one registration. */
  enrol: () => Promise<string>;
  /** How long a stopping node may finish what it runs, milliseconds. */
  stopMs: number;
  /** How long it may take after the second signal, milliseconds. */
  endMs: number;
  log: Log;
};

/** Runs a node as a process of its own and starts it again when it dies. */
export function keepNode(config: NodeKeeperConfig): { stop(): Promise<void> } {
  const { log } = config;
  const stopping = new AbortController();
  let child: ChildProcess | null = null;

  const runOnce = async (): Promise<void> => {
    const token = existsSync(config.identityFile) ? null : await config.enrol();
    if (stopping.signal.aborted) return;
    child = startNode(config, token);
    const exit = exitOf(child);
    log.info("node.started", { pid: child.pid ?? null });
    const outcome = await exit;
    child = null;
    log[stopping.signal.aborted ? "info" : "warn"]("node.exited", { outcome });
  };
  const loop = async (): Promise<void> => {
    let wait = 0;
    while (!stopping.signal.aborted) {
      const began = performance.now();
      await runOnce().catch((error: unknown) => log.error("node.failed", { message: errorText(error) }));
      wait = nextRestartMs(wait, performance.now() - began);
      await rest(wait, stopping.signal);
    }
  };
  const running = loop();

  return {
    async stop() {
      stopping.abort();
      if (child !== null) await endChild(child, config);
      await running;
    },
  };
}

/** The token goes by environment: arguments are everyone's to read in `ps`. */
function startNode(config: NodeKeeperConfig, token: string | null): ChildProcess {
  const [program, ...leading] = config.command;
  const args = ["--edge", config.edge, "--data", config.data, "--slots", String(config.slots), "--name", "local"];
  const env = { ...config.env };
  for (const name of WITHHELD) delete env[name];
  // Each thread would have a heap of its own, and keep what it does not need: 5 MiB more with the thread that hashes.
  env.MALLOC_ARENA_MAX ??= "2";
  if (token !== null) env.TRAWL_ENROL_TOKEN = token;
  if (config.handOverDir !== null) env.TRAWL_HAND_OVER_DIR = config.handOverDir;
  return spawnOwned(program, [...leading, ...args], env);
}

/** How a process ended, in words; a program that could not be started has ended too. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(errorText(error)));
    child.once("exit", (code, signal) => resolve(signal === null ? `code ${code}` : `signal ${signal}`));
  });
}

/**
 * SIGTERM lets it finish, a second one makes it give back what it runs (and deliver what it recorded so far), SIGKILL is for
 * one that does neither.
 */
async function endChild(child: ChildProcess, { stopMs, endMs }: NodeKeeperConfig): Promise<void> {
  const gone = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, "exit");
  const within = async (ms: number): Promise<boolean> => {
    const enough = new AbortController();
    try {
      return await Promise.race([gone.then(() => true), rest(ms, enough.signal).then(() => false)]);
    } finally {
      enough.abort();
    }
  };
  child.kill("SIGTERM");
  if (await within(stopMs)) return;
  child.kill("SIGTERM");
  if (await within(endMs)) return;
  child.kill("SIGKILL");
  await gone;
}

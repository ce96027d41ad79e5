import { readFile } from "node:fs/promises";
import { nextRestartMs, rest } from "./backoff.ts";
import type { DataLock } from "./data-lock.ts";
import { errorText } from "./log.ts";
import { isAlive, type ProcessIdentity, parseIdentity } from "./process-identity.ts";
import { type Runtime, type RuntimeConfig, startRuntime } from "./runtime.ts";

/** How often workerd's pid is looked at. */
const WATCH_MS = 250;
/** Miniflare replaces a dead workerd by itself, but tries only once; after this long without one, it is replaced. */
const REPLACE_AFTER_MS = 5_000;

/** A runtime that stays up. */
export type KeptRuntime = {
  port: number;
  /** The one that serves now. */
  current(): Runtime;
  stop(): Promise<void>;
};

/**
 * Starts the runtime and keeps one alive on the same port. The quick way back is Miniflare's own restart; this loop is
 * for the cases in which that gives up (the port briefly taken, no memory for a fork, a bundle being replaced).
 *
 * @param ownPorts Gets the ports that the runtime listens on.
 * @throws HostError if the first start fails
 */
export async function keepRuntime(
  config: Omit<RuntimeConfig, "onRestart">,
  lock: DataLock,
  ownPorts: Set<number>,
): Promise<KeptRuntime> {
  const { log } = config;
  const stopping = new AbortController();
  let workerd: ProcessIdentity | null = null;

  const record = async (event: string): Promise<void> => {
    workerd = parseIdentity(await readFile(config.pidFile, "utf8").catch(() => ""));
    await lock.setWorkerd(workerd);
    log.info(event, { pid: workerd?.pid ?? null });
  };
  const start = async (port: number): Promise<Runtime> => {
    const started = await startRuntime({ ...config, port, onRestart: () => record("workerd.restarted") });
    ownPorts.add(started.port).add(started.internalPort);
    return started;
  };

  let runtime = await start(config.port);
  const { port } = runtime;
  await record("workerd.started");

  const replace = async (): Promise<void> => {
    let wait = 0;
    while (!stopping.signal.aborted) {
      try {
        await runtime.stop();
        runtime = await start(port);
        return await record("workerd.replaced");
      } catch (error) {
        wait = nextRestartMs(wait, 0);
        log.error("workerd.failed", { message: errorText(error), retry_in_ms: wait });
        await rest(wait, stopping.signal);
      }
    }
  };

  const watch = async (): Promise<void> => {
    let diedAt: number | null = null;
    // Where processes cannot be identified there is nothing to watch, and Miniflare's restart has to do.
    while (!stopping.signal.aborted && workerd !== null) {
      await rest(WATCH_MS, stopping.signal);
      if (workerd === null || (await isAlive(workerd))) {
        diedAt = null;
        continue;
      }
      if (diedAt === null) log.warn("workerd.died", { pid: workerd.pid });
      diedAt ??= performance.now();
      if (performance.now() - diedAt < REPLACE_AFTER_MS) continue;
      await replace();
      diedAt = null;
    }
  };
  const watching = watch();

  return {
    port,
    current: () => runtime,
    async stop() {
      stopping.abort();
      await watching;
      await runtime.stop();
      await lock.setWorkerd(null);
    },
  };
}

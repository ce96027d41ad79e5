import { mkdir, rm } from "node:fs/promises";
import { adminClient } from "./admin-client.ts";
import { checkSettings } from "./check-settings.ts";
import { type Credentials, loadCredentials, readCredentials, saveCredentials } from "./credentials.ts";
import { startCron } from "./cron.ts";
import { lockData } from "./data-lock.ts";
import { type DataPaths, dataPaths, makeDataFolders } from "./data-paths.ts";
import type { DiskStoreService } from "./disk-store/start.ts";
import { ensureFirstAccount } from "./first-account.ts";
import { migrate } from "./migrations.ts";
import { keepNode } from "./node-keeper.ts";
import { type HostOptions, type ResolvedHost, resolveHost } from "./options.ts";
import { orders } from "./orders.ts";
import { hostOutbound } from "./outbound.ts";
import { serveOutbound } from "./outbound-service.ts";
import { canOwnProcesses, writeWorkerdWrapper } from "./owned-process.ts";
import { workerdBinary } from "./runtime.ts";
import { keepRuntime } from "./runtime-keeper.ts";
import { startStore } from "./store.ts";
import { nodeBundle, workerBundle } from "./worker-bundle.ts";
import { WORKER, workerBindings, workerVars } from "./worker-config.ts";

/**
 * A node moves bytes: each 64 KiB that it reads is a buffer outside the heap behind a small handle inside it, and with the
 * usual young generation (16 MiB) handles are collected rarely (docs/decisions/081).
 */
const NODE_FLAGS = ["--max-semi-space-size=1"];

/** A running embedded stack. */
export type Host = {
  /** Base URL, as a client on this machine reaches it. */
  url: string;
  apiKey: string;
  adminToken: string;
  dataDir: string;
  downloadsDir: string;
  /** Whether this start made the data folder's credentials. */
  isFirstStart: boolean;
  /** Stops the node, then workerd, then the store, and lets go of the data folder. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when the host has stopped. */
  exited: Promise<void>;
};

/**
 * Starts the whole stack on this machine: the disk store, workerd with the production bundle, migrations, the first
 * account and key, cron, and one node as a process of its own. Resolves when it serves; the node may still be starting.
 *
 * @example
 * const host = await startHost({ port: 0, data: "/tmp/trawl" });
 * await fetch(`${host.url}/jobs`, { headers: { "x-api-key": host.apiKey } });
 * await host.stop();
 * @throws HostError
 */
export async function startHost(options: HostOptions = {}): Promise<Host> {
  const resolved = resolveHost(options);
  const paths = dataPaths(resolved.data);
  const undo = new Undo();
  const started = Promise.withResolvers<Host>();
  try {
    const host = await start(resolved, paths, undo, orders(started.promise, resolved.log));
    started.resolve(host);
    return host;
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function start(
  resolved: ResolvedHost,
  paths: DataPaths,
  undo: Undo,
  answerWorker: (request: Request) => Promise<Response>,
): Promise<Host> {
  const { log, env } = resolved;
  checkSettings(env);
  const bundle = await workerBundle(resolved.bundle, log);
  await makeDataFolders(paths);
  const lock = await lockData(paths);
  undo.add(() => lock.release());
  await rm(paths.scratch, { recursive: true, force: true });
  await mkdir(paths.scratch, { mode: 0o700 });
  const { credentials, isNew } = await loadCredentials(paths.credentials, env);

  const store = await startStoreIfDisk(resolved, credentials, undo);
  const ownPorts = new Set(store === null ? [] : [store.port]);
  const outbound = hostOutbound(env, ownPorts);
  undo.add(() => outbound.close());
  const door = await serveOutbound(resolved.outbound ?? outbound.answer);
  undo.add(() => door.close());
  ownPorts.add(door.port);
  if (!canOwnProcesses()) log.warn("processes.untied", { message: "setpriv is missing: kill -9 would leave workerd" });
  await writeWorkerdWrapper(paths.workerdWrapper, workerdBinary());
  const runtime = await keepRuntime(
    {
      bundle,
      bindings: workerBindings(
        workerVars(credentials, store, { ...env, TRAWL_HOST: resolved.host }),
        store,
        answerWorker,
      ),
      host: resolved.host,
      port: resolved.port,
      statePath: paths.state,
      wrapper: paths.workerdWrapper,
      scratch: paths.scratch,
      pidFile: paths.workerdPid,
      outbound: door,
      log,
    },
    lock,
    ownPorts,
  );
  undo.add(() => runtime.stop());
  await migrate(await runtime.current().database(), resolved.migrations, log);

  const url = `http://${reachableHost(resolved.host)}:${runtime.port}`;
  const admin = adminClient(url, credentials.admin_token);
  await ensureFirstAccount(admin, credentials.api_key, log);
  await rememberUrl(paths, url);
  const sweeps = [() => runtime.current().scheduled(WORKER.cron), async () => store?.sweep(Date.now())];
  const cron = startCron(sweeps, log);
  undo.add(() => cron.stop());

  if (resolved.node) {
    const command = resolved.nodeCommand ?? [process.execPath, ...NODE_FLAGS, await nodeBundle(log), "node"];
    const node = keepNode({
      command,
      edge: url,
      data: paths.node,
      identityFile: paths.nodeIdentity,
      slots: resolved.slots,
      handOverDir: store?.uploadsDir ?? null,
      env,
      enrol: () => admin.enrol(),
      stopMs: resolved.nodeStopMs,
      endMs: resolved.nodeEndMs,
      log,
    });
    undo.add(() => node.stop());
  }
  log.info("host.ready", { url, data: paths.dir });
  return describe(resolved, paths, url, credentials, isNew, undo);
}

function describe(
  resolved: ResolvedHost,
  paths: DataPaths,
  url: string,
  credentials: Credentials,
  isFirstStart: boolean,
  undo: Undo,
): Host {
  const exited = Promise.withResolvers<void>();
  let stopped: Promise<void> | null = null;
  return {
    url,
    apiKey: credentials.api_key,
    adminToken: credentials.admin_token,
    dataDir: paths.dir,
    downloadsDir: resolved.downloads,
    isFirstStart,
    exited: exited.promise,
    stop() {
      stopped ??= undo.run().then(() => {
        resolved.log.info("host.stopped", { data: paths.dir });
        exited.resolve();
      });
      return stopped;
    },
  };
}

async function startStoreIfDisk(
  resolved: ResolvedHost,
  secrets: Credentials,
  undo: Undo,
): Promise<DiskStoreService | null> {
  if ((resolved.env.TRAWL_STORE || "disk") !== "disk") return null;
  const store = await startStore(resolved.downloads, secrets.store_secret);
  undo.add(() => store.close());
  return store;
}

/** The CLI in this folder finds the edge by it. */
async function rememberUrl(paths: DataPaths, url: string): Promise<void> {
  const stored = await readCredentials(paths.credentials);
  if (stored !== null && stored.url !== url) await saveCredentials(paths.credentials, { ...stored, url });
}

/** An address that means "everywhere" is no place to connect to. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "*") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** What has been started, undone in reverse; one that fails does not keep the others from stopping. */
class Undo {
  readonly #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}

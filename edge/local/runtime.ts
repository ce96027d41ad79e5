import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Miniflare, MiniflareOptions, V4MiniflareOptions, V4WorkerOptions, V4WorkerOptionsShape } from "miniflare";
import { HostError } from "./host-error.ts";
import { errorText, type Log } from "./log.ts";
import type { Database } from "./migrations.ts";
import { forwardingLog, forwardWorkerLine, type MiniflareModule } from "./miniflare-log.ts";
import { OUTBOUND_SECRET_HEADER, type OutboundService } from "./outbound-service.ts";
import { HOST_PID_VAR, PID_FILE_VAR } from "./owned-process.ts";
import { keepForeignSignalsOut } from "./signals.ts";
import { WORKER } from "./worker-config.ts";
import { useWrapper } from "./wrapper-path.ts";

/** What one workerd is started with. */
export type RuntimeConfig = {
  bundle: string;
  bindings: V4WorkerOptionsShape;
  host: string;
  /** 0 takes a free port. */
  port: number;
  statePath: string;
  wrapper: string;
  /** Holds Miniflare's temporary folder. */
  scratch: string;
  pidFile: string;
  /** Takes all that the Worker asks of the internet. */
  outbound: Pick<OutboundService, "port" | "secret">;
  log: Log;
  /** Called when Miniflare has replaced a workerd that died. */
  onRestart: () => Promise<void>;
};

/** A running workerd. */
export type Runtime = {
  /** The public one. */
  port: number;
  /** Miniflare's own, on loopback. */
  internalPort: number;
  database(): Promise<Database>;
  /** Runs the Worker's cron handler. */
  scheduled(cron: string): Promise<void>;
  stop(): Promise<void>;
};

/**
 * Starts workerd on the bundle and waits until its socket listens.
 *
 * The public port is a direct socket of the Worker's. Miniflare's entry Worker, which would otherwise stand before it,
 * costs 1 ms a request (p50 1.4 ms against 0.4 ms), answers exceptions with a stack trace, and lets any client rewrite
 * its URL by `MF-Original-URL`. It stays on a loopback port of its own, for the host's calls. What is lost with it is
 * `CF-Connecting-IP`, which it took from the client when there was one.
 *
 * @throws HostError `port_in_use`, `runtime_failed`
 */
export async function startRuntime(config: RuntimeConfig): Promise<Runtime> {
  // Loaded here: in the one-file bundle a plain import would load its 5 MB for every command and for the node.
  const module = await import("miniflare");
  const options = module.convertV4MiniflareOptions(v4Options(module, config));
  const releaseWrapper = useWrapper(config.wrapper);
  const miniflare = construct(module, options, config.scratch);
  try {
    const internal = await miniflare.ready;
    const url = await miniflare.unsafeGetDirectURL();
    return {
      port: Number(url.port),
      internalPort: Number(internal.port),
      database: async () => (await miniflare.getD1Database("DB")) as unknown as Database,
      async scheduled(cron) {
        const worker = await miniflare.getWorker();
        await worker.scheduled({ cron });
      },
      async stop() {
        await miniflare.dispose();
        releaseWrapper();
      },
    };
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    releaseWrapper();
    throw asHostError(error, config);
  }
}

/**
 * Miniflare makes its temporary folder below `os.tmpdir()` and removes it when disposed; after a kill -9 it would stay in
 * `/tmp` for ever. The name is drawn in the constructor, so the variable is changed for that call only.
 */
function construct(module: MiniflareModule, options: MiniflareOptions, scratch: string): Miniflare {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  try {
    return keepForeignSignalsOut(() => new module.Miniflare(options));
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

/** Where npm put the workerd binary that Miniflare would start. */
export function workerdBinary(): string {
  // Resolved from Miniflare, not from here: workerd is its dependency, and only its version fits.
  const fromMiniflare = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  const { default: path } = fromMiniflare("workerd") as { default: string };
  return path;
}

function v4Options(module: MiniflareModule, config: RuntimeConfig): V4MiniflareOptions {
  return {
    workers: [
      {
        ...config.bindings,
        modules: [{ type: "ESModule", path: config.bundle }],
        // Module names are paths from here, and workerd refuses one that begins with "..": the working directory will not do.
        modulesRoot: dirname(config.bundle),
        outboundService: OUTBOUND_WORKER,
        unsafeDirectSockets: [{ host: config.host, port: config.port }],
      },
      outboundWorker(module, config.outbound),
    ],
    host: "127.0.0.1",
    port: 0,
    resourcePersistencePath: config.statePath,
    // Otherwise Miniflare asks workers.cloudflare.com for a sample `request.cf`.
    cf: false,
    telemetry: { enabled: false },
    logRequests: false,
    unsafeTriggerHandlers: false,
    unsafeLocalExplorer: false,
    unsafeRuntimeEnv: { [HOST_PID_VAR]: String(process.pid), [PID_FILE_VAR]: config.pidFile },
    unsafeHandleRuntimeRestart: config.onRestart,
    log: forwardingLog(module, config.log),
    handleStructuredLogs: ({ level, message }) => forwardWorkerLine(config.log, level, message),
  };
}

const OUTBOUND_WORKER = "outbound";

/** What stands for the internet: a Worker cannot be told to use a server for that, but another Worker, and that one a server. */
function outboundWorker(module: MiniflareModule, { port, secret }: RuntimeConfig["outbound"]): V4WorkerOptions {
  const header = { name: OUTBOUND_SECRET_HEADER, value: secret };
  return {
    name: OUTBOUND_WORKER,
    compatibilityDate: WORKER.compatibilityDate,
    modules: true,
    script: "export default { fetch: (request, env) => env.HOST.fetch(request) };",
    serviceBindings: {
      // In a proxy's style the whole URL is in the request line; in the other one its scheme is lost.
      HOST: {
        external: {
          address: `127.0.0.1:${port}`,
          http: { style: module.HttpOptions_Style.PROXY, injectRequestHeaders: [header] },
        },
      },
    },
  };
}

function asHostError(error: unknown, config: RuntimeConfig): HostError {
  if (error instanceof Error && "code" in error && error.code === "ERR_ADDRESS_IN_USE") {
    const text = `port ${config.port} on ${config.host} is in use; choose another with --port (0 takes a free one)`;
    return new HostError("port_in_use", text, { cause: error });
  }
  return new HostError("runtime_failed", `workerd did not start: ${errorText(error)}`, { cause: error });
}

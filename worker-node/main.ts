/** `trawl node`: a worker node as a process of its own. */
import { mkdirSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LIBRARY_RUN, type NodeVersions, type Slots } from "../shared/contract/fleet.ts";
import { YTDLP_CALLS } from "../shared/contract/ytdlp-calls.ts";
import { guardedDispatcher } from "./egress/dispatcher.ts";
import { resolveEgress } from "./egress/policy.ts";
import { startEgressProxy } from "./egress/proxy.ts";
import { callDelay, orAbort, pause } from "./fleet/backoff.ts";
import { FleetError, isRetryable } from "./fleet/fleet-error.ts";
import { type Log, makeLog } from "./log.ts";
import { freeBytes } from "./media/disk.ts";
import { mediaDeps } from "./media/run-attempt.ts";
import { type InstalledYtDlp, openInstalled } from "./media/ytdlp/installed.ts";
import { NodeFigures } from "./metrics/figures.ts";
import { nodeMetrics, processNow } from "./metrics/node-metrics.ts";
import { MetricsPortTaken, type MetricsServer, serveMetrics } from "./metrics/serve.ts";
import type { ToolUsers } from "./process/confine.ts";
import { sweepLeftovers } from "./process/leftovers.ts";
import { openToolUsers } from "./process/open-users.ts";
import { type Identity, type IdentityOptions, loadIdentity, NotEnrolled } from "./session/identity.ts";
import { RunningNode } from "./session/node.ts";
import { Session } from "./session/session.ts";
import { findInstalledYtDlp, resolveTools, ToolError, type ToolOptions, type Tools, type YtDlpTool } from "./tools.ts";

export interface NodeOptions {
  /** Base URL of the edge, without a final slash. */
  edge: string;
  /** Enrolment token; needed the first time only. */
  token: string | null;
  /** Public name. Defaults to the host's name. */
  name: string | null;
  /** Jobs at once. Defaults to the number of cores. */
  slots: number | null;
  dataDir: string;
  /** Loopback port of `/metrics`; null serves none, 0 takes a free one. */
  metricsPort: number | null;
  /** The product's. */
  version: string;
}

/** How long a drain waits for what runs before it gives it back. */
const DRAIN_WAIT_MS = 30_000;
/** How long a recording that was told to end may take to be converted and uploaded. */
const RECORDING_DELIVERY_MS = 10 * 60_000;
/** A drained node that cannot reach the edge does not wait for it longer than this. */
const RELEASE_WAIT_MS = 5_000;

/** Runs until a signal or until the edge wants it no more. Returns the process's exit code. */
export async function runNode(options: NodeOptions): Promise<number> {
  const log = makeLog(process.env.TRAWL_LOG);
  const dataDir = resolve(options.dataDir);
  const workRoot = join(dataDir, "work");
  mkdirSync(workRoot, { recursive: true, mode: 0o700 });
  const toolOptions: ToolOptions = { env: process.env, checkout: checkoutDir() };
  let tools: Tools;
  try {
    tools = await resolveTools(toolOptions);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    process.stderr.write(`trawl node: ${error.message}\n`);
    return 1;
  }
  const swept = await sweepLeftovers(workRoot);
  if (swept.directories > 0) log("info", "leftovers.swept", { ...swept });
  const { users, why } = await openToolUsers([dataDir, workRoot], tools);
  if (why !== null) log("warn", "tools.unconfined", { why });

  const ending = new AbortController();
  const stopping = stopSignals();
  try {
    const identity = await enrolled(
      {
        ...options,
        dataDir,
        name: options.name ?? defaultName(),
        signal: AbortSignal.any([ending.signal, stopping.now]),
      },
      log,
    );
    const find = () => findInstalledYtDlp(toolOptions);
    const named = makeLog(process.env.TRAWL_LOG, { node: identity.nodeId });
    return await work(options, identity, { tools, users, find }, workRoot, named, stopping);
  } catch (error) {
    if (stopping.now.aborted) return 0;
    if (!(error instanceof NotEnrolled || error instanceof FleetError || error instanceof MetricsPortTaken))
      throw error;
    process.stderr.write(`trawl node: ${error.message}\n`);
    return 1;
  } finally {
    ending.abort(new Error("the node has stopped"));
    stopping.dispose();
  }
}

async function work(
  options: NodeOptions,
  identity: Identity,
  { tools, users, find }: { tools: Tools; users: ToolUsers | undefined; find: () => Promise<YtDlpTool> },
  workRoot: string,
  log: Log,
  stopping: StopSignals,
): Promise<number> {
  const download = options.slots ?? availableParallelism();
  const slots: Slots = { download, live: 2 * download };
  const stopped = new AbortController();
  const ytdlp = await openInstalled({
    tool: tools.ytdlp,
    jsRuntime: tools.jsRuntime,
    log,
    find,
    // Only a request or `watch` below can find a change, and both begin after the rest is in place.
    onChange: () => {
      void session.renew().then(
        () => node.askForWork(),
        () => {},
      );
    },
  });
  const versions = (): NodeVersions => ({
    node: process.versions.node,
    ytdlp: ytdlp.version,
    ffmpeg: tools.ffmpeg.version,
    adapter: ytdlp.kind,
    ...(ytdlp.solver === null ? {} : { ytdlp_ejs: ytdlp.solver }),
  });
  const figures = new NodeFigures();
  const fenced = Promise.withResolvers<FleetError>();
  const session = new Session({
    edge: options.edge,
    identity,
    slots,
    versions,
    features: () => [LIBRARY_RUN, ...(ytdlp.answersQuestions ? [YTDLP_CALLS] : [])],
    signal: AbortSignal.any([stopped.signal, stopping.atOnce]),
    log,
    onFinal: (error) => fenced.resolve(error),
    onCall: (result, tookMs) => figures.edgeCalled(result, tookMs),
  });
  const own = ownPorts(options.edge);
  const guard = {
    allowPrivate: process.env.TRAWL_ALLOW_PRIVATE === "1",
    allowHosts: (process.env.TRAWL_ALLOW_HOSTS ?? "").split(",").filter((host) => host !== ""),
    ownPorts: own,
  };
  const egress = await startEgressProxy(guard);
  // The proxy refuses its own port by itself; the node's own requests do not pass through it.
  own.add(egress.port);
  const shows = {
    spotifyUrl: process.env.TRAWL_SPOTIFY_URL,
    directoryUrl: process.env.TRAWL_PODCAST_DIRECTORY_URL,
  };
  const storage = guardedDispatcher(resolveEgress(guard));
  const media = mediaDeps(tools, ytdlp, guard);
  const ways = { media, egress, storage, handOverDir: process.env.TRAWL_HAND_OVER_DIR || undefined };
  const minFreeMib = optionalNumber(process.env.TRAWL_MIN_FREE_MB);
  const host = { workRoot, users, log, figures, minFreeMib };
  const node = new RunningNode({ session, slots, ...ways, ...host, guard, shows });
  const metrics = async () =>
    nodeMetrics(figures, {
      version: options.version,
      versions: versions(),
      slots,
      running: node.running,
      calls: node.openCalls,
      quiet: node.isQuiet,
      heartbeatAgeMs: node.heartbeatAgeMs,
      egress: egress.bytes(),
      diskFreeBytes: await freeBytes(workRoot),
      process: processNow(),
    });
  let served: MetricsServer | null = null;
  try {
    // Before the first session: an edge that is away is what somebody wants to see.
    if (options.metricsPort !== null) {
      served = await serveMetrics(options.metricsPort, metrics);
      log("info", "metrics.ready", { port: served.port });
    }
    const opened = await orAbort(session.get(), stopping.now);
    log("info", "node.ready", {
      name: identity.name,
      slots: download,
      ytdlp: ytdlp.version,
      adapter: ytdlp.kind,
      ytdlp_ejs: ytdlp.solver,
      ffmpeg: tools.ffmpeg.version,
    });
    void watch(ytdlp, opened.intervals.heartbeat_ms, stopped.signal);
    const running = node.run(opened);
    const why = await Promise.race([stopping.drain, fenced.promise, running]);
    if (why instanceof FleetError) {
      log("error", "node.fenced", { error: why.message });
      process.stderr.write(`trawl node: ${why.message}\n`);
      await node.stop("lost");
      return 1;
    }
    log("info", "node.draining", { running: node.busy });
    await finishOrRelease(node, stopping);
    return 0;
  } finally {
    stopped.abort(new Error("the node has stopped"));
    await Promise.all([served?.close(), egress.close(), storage.destroy(), ytdlp.stop()]);
  }
}

/** At the pace of heartbeats: a quiet node gets no request that would notice that its yt-dlp was renewed. */
async function watch(ytdlp: InstalledYtDlp, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(everyMs, signal).catch(() => {});
    if (!signal.aborted) await ytdlp.refresh();
  }
}

/**
 * Stopping is not cancelling: what runs may finish for a while, then it is given back without a try. What records a stream
 * goes on to its end, because nobody can record again what is over by then; the second signal ends the recordings as they
 * are, and they are delivered.
 */
async function finishOrRelease(node: RunningNode, stopping: StopSignals): Promise<void> {
  await within(DRAIN_WAIT_MS, node.drain(), stopping.now);
  await within(RELEASE_WAIT_MS, node.giveBackDownloads());
  await orAbort(node.recorded(), stopping.now).catch(() => {});
  node.endRecordings();
  await within(RECORDING_DELIVERY_MS, node.recorded(), stopping.atOnce);
  await within(RELEASE_WAIT_MS, node.stop("drained"));
}

/** Waits for the work, but no longer than this or the signal. Leaves no timer behind. */
async function within(ms: number, work: Promise<void>, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  await Promise.race([work, pause(ms, either).catch(() => {})]);
  over.abort();
}

interface StopSignals {
  /** First SIGTERM or SIGINT: finish, take no more. */
  drain: Promise<"drain">;
  /** A second one: end recordings as they are, give everything else back. */
  now: AbortSignal;
  /** A third one: give back recordings, too. */
  atOnce: AbortSignal;
  dispose(): void;
}

function stopSignals(): StopSignals {
  const drain = Promise.withResolvers<"drain">();
  const now = new AbortController();
  const atOnce = new AbortController();
  let heard = 0;
  const onSignal = () => {
    heard++;
    if (heard === 1) drain.resolve("drain");
    else if (heard === 2) now.abort(new Error("told to stop now"));
    else atOnce.abort(new Error("told to stop at once"));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    drain: drain.promise,
    now: now.signal,
    atOnce: atOnce.signal,
    dispose: () => {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    },
  };
}

/** Waits for an edge that is away; a refusal is final. */
async function enrolled(options: IdentityOptions, log: Log): Promise<Identity> {
  for (let failures = 0; ; ) {
    try {
      return await loadIdentity(options);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      failures++;
      if (failures === 1) log("warn", "enrolment.unreachable", { error: (error as Error).message });
      await pause(callDelay(failures), options.signal);
    }
  }
}

function optionalNumber(text: string | undefined): number | undefined {
  const number = Number(text);
  return text === undefined || text.trim() === "" || !Number.isFinite(number) || number < 0 ? undefined : number;
}

/** The edge's port on this machine is never a source, even where private addresses are. */
function ownPorts(edge: string): Set<number> {
  const url = new URL(edge);
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  return new Set(local ? [Number(url.port || (url.protocol === "https:" ? 443 : 80))] : []);
}

/** The host's name as far as the protocol allows it. */
function defaultName(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 63);
  return name === "" ? "node" : name;
}

/** Where `.trawl/tools` may lie: the checkout, or the folder of the installed package. */
function checkoutDir(): string {
  return resolve(dirname(fileURLToPath(import.meta.url)), "..");
}

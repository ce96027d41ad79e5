/**
 * The `YtDlp` port by a warm Python host: yt_dlp is imported once per node and forked per request. A look at a file costs
 * 0.1 s instead of 0.7 s (`test/bench/small-file.bench.ts`). The arguments, and so every safety option, are those of the
 * command line.
 */

import type { Log } from "../../../log.ts";
import { confinementOf } from "../../../process/confine.ts";
import { type Launch, runTool } from "../../../process/run.ts";
import type { YtDlpTool } from "../../../tools.ts";
import { type Run, YTDLP_MEMORY_BYTES, ytDlpByArguments } from "../command-line.ts";
import type { YtDlp } from "../port.ts";
import { questionsSource } from "../questions/source.ts";
import { HostProcess, type HostReady } from "./host-process.ts";

/** Twice what the imports of all extractors would take. A host that grew past it is replaced when it is next asked. */
const MAX_HOST_KIB = 512 * 1024;

export interface WarmHostOptions {
  tool: YtDlpTool & { python: string };
  jsRuntime: string;
  log: Log;
  /** Defaults to `MAX_HOST_KIB`. */
  maxHostKib?: number;
}

export interface WarmYtDlp extends YtDlp {
  /** What the host said when it started. */
  readonly host: HostReady;
  /** The process that forks now; for tests and logs. */
  readonly hostPid: number | undefined;
  /** Ends the host and what still runs in it. */
  stop(): Promise<void>;
  /** Takes no more requests; the host goes when what runs in it has ended. */
  retire(): void;
}

/**
 * Starts the host and waits until it is warm.
 *
 * @throws Error with what Python said, when this interpreter cannot import yt_dlp.
 * @example const ytdlp = await startWarmHost({ tool, jsRuntime: process.execPath, log });
 */
export async function startWarmHost(options: WarmHostOptions): Promise<WarmYtDlp> {
  const { tool, jsRuntime, log, maxHostKib = MAX_HOST_KIB } = options;
  // Not before it has begun: whoever starts it hears of that by the error.
  let begun = false;
  let stopping = false;
  const old = new Set<HostProcess>();
  const start = (): HostProcess => {
    const host: HostProcess = new HostProcess({
      confinement: (dir, memoryBytes = YTDLP_MEMORY_BYTES) => confinementOf(dir, memoryBytes),
      python: tool.python,
      env: tool.env,
      onEnd: (said) => {
        if (!old.delete(host) && begun && !stopping) log("warn", "ytdlp.host_ended", { said });
      },
    });
    return host;
  };
  let current = start();
  const ready = await current.ready;
  begun = true;

  /** The host that lives, else a new one: its requests wait in the pipe until it is warm. */
  const living = (): HostProcess => {
    if (current.alive && current.peakKib <= maxHostKib) return current;
    if (current.alive) {
      log("info", "ytdlp.host_recycled", { kib: current.peakKib });
      old.add(current);
      current.retire();
    }
    current = start();
    return current;
  };
  const starter =
    (program: string | null): Run =>
    (args, context, more) => {
      const launch: Launch = (argv, runOptions) => living().fork(argv, runOptions, program);
      const { dir, signal, groups } = context;
      return runTool(args, { dir, env: tool.env, signal, groups, ...more, launch });
    };
  const askProgram = starter(questionsSource);
  const ytdlp = ytDlpByArguments("warm-host", tool, jsRuntime, {
    run: starter(null),
    runQuestion: (file, context, more) => askProgram([file], context, more),
  });
  return {
    ...ytdlp,
    host: ready,
    get hostPid() {
      return current.pid;
    },
    async stop() {
      stopping = true;
      await Promise.all([...old, current].map((host) => (host.alive ? host.stop() : undefined)));
    },
    retire() {
      stopping = true;
      current.retire();
    },
  };
}

/**
 * Runs one tool (yt-dlp, ffmpeg, ffprobe) to its end. Not a general process library: it knows what a node needs.
 *
 * - Its own process group, so that cancel, timeout and a lost lease end grandchildren too.
 * - Dies with the node: `setpriv --pdeathsig KILL` sends the tool SIGKILL when its parent dies. The kernel means the
 *   parent *thread*: start tools from the main thread, or from a worker that lives as long as they do. It covers the
 *   tool itself, not what the tool forks: `leftovers.ts` finds those after a restart.
 * - Its own uid and limits (`confine.ts`).
 * - No shell, an environment from scratch, no stdin, a capped output.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { confined, dropLinks, giveToTool, SETPRIV, toolUser } from "./confine.ts";
import { ATTEMPT_VARIABLE, groupAlive, KILL_GRACE_MS, killGroup, signalProcess } from "./group.ts";
import { LineSplitter, Tail } from "./lines.ts";
import { readStat } from "./proc.ts";

/** A longer line is cut; the rest of it is dropped. */
export const MAX_LINE_BYTES = 64 * 1024;
const MAX_STDERR_TAIL_BYTES = 16 * 1024;
/** A tool that prints more than this on either stream is ended (`overflow`). */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** How long the pipes may stay open after the tool has ended, if something that left its group holds them. */
const DRAIN_MS = 1_000;

const TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Hears of each process group of an attempt; `leftovers.ts` writes it down. */
export interface GroupLog {
  started(group: { pgid: number; start_time: number }): void;
  ended(pgid: number): void;
}

export interface RunOptions {
  /** The attempt's folder, absolute: working directory, HOME and TMPDIR of the tool. */
  dir: string;
  /** Added to the few variables that every tool gets. */
  env?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** Asks the tool itself, and nothing that it started, to come to an end by SIGINT; what it then does counts as its own. */
  interrupt?: AbortSignal | undefined;
  /** Defaults to none: the attempt's signal bounds it. */
  timeoutMs?: number;
  /** Defaults to `KILL_GRACE_MS`. */
  graceMs?: number;
  onStdout?: (line: string) => void;
  onStderr?: (line: string) => void;
  /** Keep stdout whole, up to so many bytes; more is `overflow`. `onStdout` is then not called. */
  captureBytes?: number;
  /** Defaults to `MAX_OUTPUT_BYTES`, for each stream. */
  maxOutputBytes?: number;
  groups?: GroupLog | undefined;
  /** Less memory than a tool may have by default (`confine.ts`). A launcher of its own sees to that itself. */
  memoryBytes?: number;
  /** Who starts the tool. Defaults to a process of its own (`spawnTool`); the warm yt-dlp host forks instead. */
  launch?: Launch;
}

/** One output stream of a tool, as far as it is read here. */
export interface ToolOutput {
  on(event: "data", take: (chunk: Buffer) => void): unknown;
  destroy(): unknown;
}

/** A tool that runs, leader of its own process group; `ChildProcess` fits. */
export interface ToolProcess {
  /** Undefined until `spawn`. */
  readonly pid?: number | undefined;
  readonly stdout: ToolOutput | null;
  readonly stderr: ToolOutput | null;
  once(event: "spawn", then: () => void): unknown;
  once(event: "error", then: (error: NodeJS.ErrnoException) => void): unknown;
  once(event: "exit", then: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
  /** After `exit`, when both streams have ended. */
  once(event: "close", then: () => void): unknown;
}

/** Starts `command`; events come in a later turn, so that nobody misses one. */
export type Launch = (command: readonly string[], options: RunOptions) => ToolProcess;

/** `code` of a launcher's error when what would have forked the tool is gone, or went while the tool ran. */
export const HOST_LOST = "EHOSTLOST";

export interface RunResult {
  /** Null when a signal ended it; 127 with `missing` when it could not be started. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderrTail: string;
  /** Why we ended it, if we did; at most one is true. */
  aborted: boolean;
  timedOut: boolean;
  overflow: boolean;
  /** The program does not exist or may not be run. */
  missing: boolean;
  /** What had forked the tool died, and the tool with it: no word about the tool or its input. */
  lost: boolean;
}

/**
 * Runs `command` and resolves when it and its whole process group are gone. Never rejects for what the tool does.
 *
 * @example
 * const result = await runTool(["/usr/bin/ffprobe", "-version"], { dir, captureBytes: 65_536, timeoutMs: 5_000 });
 * if (result.code === 0) console.log(result.stdout);
 */
export async function runTool(command: readonly string[], options: RunOptions): Promise<RunResult> {
  const result = blankResult();
  if (options.signal?.aborted) return { ...result, aborted: true };
  const user = toolUser(options.dir);
  if (user !== null) giveToTool(options.dir, user);
  const child = (options.launch ?? spawnTool)(command, options);
  const tail = new Tail(MAX_STDERR_TAIL_BYTES);
  const captured: Buffer[] = [];

  let stopped = false;
  let stopping: Promise<unknown> | undefined;
  const kill = (): void => {
    if (child.pid !== undefined) stopping ??= killGroup(child.pid, options.graceMs ?? KILL_GRACE_MS);
  };
  const stop = (why: "aborted" | "timedOut" | "overflow"): void => {
    if (stopped) return;
    stopped = true;
    result[why] = true;
    kill();
  };
  const record = (pgid: number): void => options.groups?.started({ pgid, start_time: readStat(pgid)?.start_time ?? 0 });
  if (child.pid !== undefined) record(child.pid);
  else {
    child.once("spawn", () => {
      if (child.pid !== undefined) record(child.pid);
      // Told to stop before there was anything to kill.
      if (stopped) kill();
    });
  }
  const onAbort = (): void => stop("aborted");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const onInterrupt = (): void => {
    if (child.pid !== undefined) signalProcess(child.pid, "SIGINT");
    else child.once("spawn", onInterrupt);
  };
  if (options.interrupt?.aborted) onInterrupt();
  options.interrupt?.addEventListener("abort", onInterrupt, { once: true });
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stop("timedOut"), options.timeoutMs);

  const stderr = new LineSplitter(MAX_LINE_BYTES, (line) => {
    tail.add(line);
    options.onStderr?.(line);
  });
  const stdout = new LineSplitter(MAX_LINE_BYTES, (line) => options.onStdout?.(line));
  const limit = options.maxOutputBytes ?? MAX_OUTPUT_BYTES;
  const keep = options.captureBytes;
  count(child.stdout, keep ?? limit, stop, (chunk) => (keep === undefined ? stdout.push(chunk) : captured.push(chunk)));
  count(child.stderr, limit, stop, (chunk) => stderr.push(chunk));

  try {
    const ended = await settled(child, result);
    if (child.pid !== undefined) {
      await stopping;
      // What the tool left behind in its group has no business after it.
      if (groupAlive(child.pid)) await killGroup(child.pid, 0);
      options.groups?.ended(child.pid);
      if (user !== null) dropLinks(options.dir);
    }
    await ended.drained();
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    options.interrupt?.removeEventListener("abort", onInterrupt);
  }
  stdout.end();
  stderr.end();
  return { ...result, stdout: Buffer.concat(captured).toString("utf8"), stderrTail: tail.text() || result.stderrTail };
}

function blankResult(): RunResult {
  return {
    code: null,
    signal: null,
    stdout: "",
    stderrTail: "",
    aborted: false,
    timedOut: false,
    overflow: false,
    missing: false,
    lost: false,
  };
}

/** The launcher of a plain process. */
function spawnTool(command: readonly string[], options: RunOptions): ChildProcess {
  const [program = "", ...args] = confined(command, options.dir, options.memoryBytes);
  return spawn(program, args, {
    cwd: options.dir,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: toolEnvironment(options),
  });
}

/** The command behind `setpriv --pdeathsig KILL`, where there is one. */
export function dyingWithUs(command: readonly string[]): readonly string[] {
  return SETPRIV === undefined ? command : [SETPRIV, "--pdeathsig", "KILL", "--", ...command];
}

/** All that a tool finds in its environment: nothing of the node's own. */
export function toolEnvironment({ dir, env }: Pick<RunOptions, "dir" | "env">): Record<string, string> {
  return { PATH: TOOL_PATH, HOME: dir, TMPDIR: dir, LANG: "C.UTF-8", [ATTEMPT_VARIABLE]: dir, ...env };
}

/** Counts a stream against its cap; past it the chunks are dropped and the tool is ended. */
function count(
  stream: ToolOutput | null,
  maxBytes: number,
  stop: (why: "overflow") => void,
  take: (chunk: Buffer) => void,
): void {
  let bytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) stop("overflow");
    else take(chunk);
  });
}

/** Resolves when the tool itself has ended; `drained` then waits for its pipes, but not for ever. */
async function settled(child: ToolProcess, result: RunResult): Promise<{ drained: () => Promise<void> }> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await new Promise<void>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      result.lost = error.code === HOST_LOST;
      result.missing = child.pid === undefined && !result.lost;
      result.code = result.lost ? null : 127;
      result.stderrTail = error.message;
      resolve();
    });
    child.once("exit", (code, signal) => {
      result.code = code;
      result.signal = signal;
      // setpriv's own answers when it cannot run the program, as in a shell.
      result.missing = SETPRIV !== undefined && (code === 127 || code === 126);
      resolve();
    });
  });
  return {
    async drained() {
      if (child.pid === undefined) return;
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, DRAIN_MS);
      });
      await Promise.race([closed, patience]);
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
}

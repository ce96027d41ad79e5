/** One running `host.py` (there may be two for a while, when a new one takes over) and the children that it forked. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import type { Writable } from "node:stream";
import type { Confinement } from "../../../process/confine.ts";
import { ATTEMPT_VARIABLE, killGroup } from "../../../process/group.ts";
import { LineSplitter, Tail } from "../../../process/lines.ts";
import {
  dyingWithUs,
  HOST_LOST,
  MAX_LINE_BYTES,
  type RunOptions,
  type ToolProcess,
  toolEnvironment,
} from "../../../process/run.ts";
import { type Frame, FrameReader } from "./frames.ts";
import { hostSource } from "./source.ts";

/** Imports and rehearsal take 0.7 s on an idle core; a start that takes longer than this has failed. */
const START_TIMEOUT_MS = 60_000;
/** A fork takes 2 to 10 ms. A host that does not answer for so long is stopped or stuck. */
const FORK_TIMEOUT_MS = 15_000;
/** An idle host goes at once when its stdin ends. */
const STOP_GRACE_MS = 1_000;
/** How long its pipes may stay open after it has ended. */
const DRAIN_MS = 1_000;
const MAX_STDERR_TAIL_BYTES = 4 * 1024;

/** The source comes by a pipe of its own: nothing of it lies on disk, and `ps` shows a line and not a program. */
const LOADER =
  "import os,sys;sys.path[:]=[p for p in sys.path if p];exec(compile(os.fdopen(3).read(),'ytdlp-host','exec'))";

export interface HostReady {
  version: string;
  /** `yt_dlp/__init__.py` that it imported. */
  file: string;
  ejs: string | null;
}

/** A crash of the interpreter would leave its whole memory in the attempt's folder. */
const NO_CORE_DUMPS: Confinement = { user: null, limits: { core: 0 } };

export interface HostProcessOptions {
  python: string;
  /** Variables that find and close yt-dlp (`YtDlpTool.env`). */
  env: Readonly<Record<string, string>>;
  /** What holds a child in, by its folder and what it may have of memory. Defaults to the host's own user and no core dumps. */
  confinement?(dir: string, memoryBytes?: number): Confinement;
  /** The process has ended, for whatever reason. */
  onEnd(stderrTail: string): void;
}

export class HostProcess {
  readonly #process: ChildProcess;
  readonly #children = new Map<number, HostedChild>();
  readonly #ready = Promise.withResolvers<HostReady>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #tail = new Tail(MAX_STDERR_TAIL_BYTES);
  readonly #confinement: (dir: string, memoryBytes?: number) => Confinement;
  #alive = true;
  #retiring = false;
  #nextId = 1;
  #peakKib = 0;

  constructor(options: HostProcessOptions) {
    this.#confinement = options.confinement ?? (() => NO_CORE_DUMPS);
    const [program = "", ...args] = dyingWithUs([options.python, "-c", LOADER]);
    const child = spawn(program, args, {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      env: hostEnvironment(options.env),
    });
    this.#process = child;
    // Nobody may be waiting yet, or any more.
    this.#ready.promise.catch(() => {});
    const timer = setTimeout(() => this.#kill("the yt-dlp host did not start in time"), START_TIMEOUT_MS);
    void this.#ready.promise.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    const source = child.stdio[3] as Writable;
    // A broken pipe says no more than the end of the process does.
    for (const stream of [source, child.stdin]) stream?.on("error", () => {});
    source.end(hostSource);
    const frames = new FrameReader((frame, payload) => this.#take(frame, payload));
    child.stdout?.on("data", (chunk: Buffer) => {
      try {
        frames.push(chunk);
      } catch (error) {
        this.#kill((error as Error).message);
      }
    });
    const stderr = new LineSplitter(MAX_LINE_BYTES, (line) => this.#tail.add(line));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    const end = (why: string) => {
      if (!this.#alive) return;
      this.#alive = false;
      stderr.end();
      const said = this.#tail.text() || why;
      // The last line of a traceback is the error itself.
      this.#ready.reject(new Error(said.split("\n").at(-1)));
      for (const one of this.#children.values()) one.lose();
      this.#children.clear();
      options.onEnd(said);
      this.#ended.resolve();
    };
    child.once("error", (error) => end(error.message));
    // `close`, not `exit`: its last frames are read first. A pipe that something else still holds is not waited for.
    child.once("close", () => end("the yt-dlp host ended"));
    child.once("exit", () => setTimeout(() => end("the yt-dlp host ended"), DRAIN_MS).unref());
  }

  /** Rejects with what Python said when the host cannot start. */
  get ready(): Promise<HostReady> {
    return this.#ready.promise;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Its largest size so far, as it said with the last child's end. */
  get peakKib(): number {
    return this.#peakKib;
  }

  /**
   * Forks a child that runs yt-dlp with these arguments; for `runTool` as its launcher.
   *
   * @param program Python text whose `main(argv)` is run in yt-dlp's place.
   */
  fork(argv: readonly string[], options: RunOptions, program: string | null = null): ToolProcess {
    const id = this.#nextId++;
    const child = new HostedChild(() => this.#send({ drop: id }));
    this.#children.set(id, child);
    if (!this.#alive) {
      this.#children.delete(id);
      queueMicrotask(() => child.lose());
      return child;
    }
    // A start has a time limit of its own.
    void this.#ready.promise.then(
      () => child.expectWithin(FORK_TIMEOUT_MS, () => this.#kill("the yt-dlp host did not answer")),
      () => {},
    );
    const { dir, memoryBytes } = options;
    this.#send({ id, argv, program, dir, env: toolEnvironment(options), ...this.#confinement(dir, memoryBytes) });
    return child;
  }

  /** Takes no more requests and goes when the last child has gone. */
  retire(): void {
    if (!this.#retiring) this.#send({ retire: true });
    this.#retiring = true;
  }

  /** Ends it and its children now. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#kill("stopped"), STOP_GRACE_MS);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  #send(request: unknown): void {
    if (this.#alive && this.#process.stdin?.writable) this.#process.stdin.write(`${JSON.stringify(request)}\n`);
  }

  #kill(why: string): void {
    if (!this.#alive) return;
    this.#tail.add(why);
    // Its children die with it (parent-death signal) or when `runTool` hears that it is gone.
    if (this.#process.pid !== undefined) void killGroup(this.#process.pid, 0);
  }

  #take(frame: Frame, payload: Buffer): void {
    if (frame.event === "ready") {
      this.#ready.resolve({ version: frame.version, file: frame.file, ejs: frame.ejs });
      return;
    }
    const child = this.#children.get(frame.id);
    switch (frame.event) {
      case "started":
        child?.begin(frame.pid);
        return;
      case "stdout":
      case "stderr":
        child?.[frame.event].emit("data", payload);
        return;
      case "exited":
        this.#peakKib = Math.max(this.#peakKib, frame.peak_kib);
        child?.emit("exit", frame.code, frame.signal);
        return;
      case "closed":
        this.#children.delete(frame.id);
        child?.emit("close");
        return;
      case "refused":
        this.#children.delete(frame.id);
        child?.lose(frame.reason);
        return;
    }
  }
}

/** As for a tool, but of no attempt: whoever looks for an attempt's processes by that variable must not find the host's. */
function hostEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const { [ATTEMPT_VARIABLE]: _, ...rest } = toolEnvironment({ dir: "/nonexistent", env });
  return rest;
}

/** An output stream of a hosted child: what the host sends is handed on in the same turn. */
class HostedOutput extends EventEmitter {
  readonly #onDestroy: () => void;
  constructor(onDestroy: () => void) {
    super();
    this.#onDestroy = onDestroy;
  }
  destroy(): void {
    this.#onDestroy();
  }
}

class HostedChild extends EventEmitter implements ToolProcess {
  pid: number | undefined;
  readonly stdout: HostedOutput;
  readonly stderr: HostedOutput;
  #ended = false;
  #lost = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param drop Stops the reading of its output, when something that outlived it holds the pipes. */
  constructor(drop: () => void) {
    super();
    let closed = false;
    this.once("close", () => {
      closed = true;
    });
    this.once("exit", () => {
      this.#ended = true;
    });
    const dropOnce = () => {
      if (!closed) drop();
      closed = true;
    };
    this.stdout = new HostedOutput(dropOnce);
    this.stderr = new HostedOutput(dropOnce);
  }

  /** Unless it has begun by then. */
  expectWithin(ms: number, otherwise: () => void): void {
    if (this.pid === undefined && !this.#lost) this.#timer = setTimeout(otherwise, ms);
  }

  begin(pid: number): void {
    clearTimeout(this.#timer);
    this.pid = pid;
    this.emit("spawn");
  }

  /** The host is gone, or could not fork. After its own end that is no news. */
  lose(why = "the yt-dlp host ended"): void {
    clearTimeout(this.#timer);
    this.#lost = true;
    if (!this.#ended) this.emit("error", Object.assign(new Error(why), { code: HOST_LOST }));
    this.emit("close");
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, join } from "node:path";

/** The root of the clone. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** How a command ended; `output` is empty when it went to the terminal. */
export interface Ended {
  code: number;
  output: string;
  timedOut: boolean;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Let the command write to our terminal; otherwise its output is kept. */
  toTerminal?: boolean;
  /** The whole process group is killed after this time. */
  limitMillis: number;
}

const running = new Set<ChildProcess>();

/** Signals all that was started here, whole groups: an interrupted test run must not leave stacks behind. */
export function signalAll(signal: NodeJS.Signals): void {
  for (const child of running) signalGroup(child, signal);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // gone already
  }
}

/** Runs a command in the clone with the packages' own commands on PATH, and waits for it. Never throws. */
export function run(command: readonly [string, ...string[]], options: RunOptions): Promise<Ended> {
  const [program, ...args] = command;
  const path = `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  return new Promise((resolve) => {
    const stdio = options.toTerminal === true ? "inherit" : "pipe";
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, PATH: path, ...options.env },
      stdio: ["ignore", stdio, stdio],
      detached: true,
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      signalGroup(child, "SIGKILL");
    }, options.limitMillis);
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk));
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk));
    const end = (code: number, more = ""): void => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, output: output + more, timedOut });
    };
    child.on("error", (error) => end(1, error.message));
    child.on("close", (code) => end(code ?? 1));
  });
}

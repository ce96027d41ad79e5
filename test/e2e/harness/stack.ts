/** A whole stack as real processes, started by the command line as a person would. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { testDir } from "../../leaks.ts";
import { Api } from "./api.ts";
import { atEnd } from "./at-end.ts";
import { LogLines } from "./log-lines.ts";
import { gone, processesOf, type Role, signal } from "./processes.ts";
import { tellOnFailure } from "./tell.ts";

/** The command line of the clone. */
export const CLI = fileURLToPath(new URL("../../../bin/trawl.ts", import.meta.url));
/** Short, so that a lost node is noticed in seconds; every interval and back-off follows it. */
export const LEASE_TTL_MS = 3_000;

export interface StackOptions {
  /** Slots of its own node; 0: no node. Defaults to 2. */
  slots?: number;
  env?: Record<string, string>;
}

/** What `trawl up --json` says. */
interface Said {
  url: string;
  api_key: string;
  admin_token: string;
  data: string;
  pid: number;
}

export class Stack {
  /** Everything of this stack lies below it, and every process of it can be found by it. */
  readonly root: string;
  readonly data: string;
  readonly downloads: string;
  env: Readonly<Record<string, string>>;
  readonly #slots: number;
  #running: { child: ChildProcess; said: Said; log: LogLines } | null = null;
  #port = 0;

  private constructor(root: string, options: StackOptions) {
    this.root = root;
    this.data = join(root, "data");
    this.downloads = join(root, "downloads");
    this.#slots = options.slots ?? 2;
    this.env = {
      PATH: process.env.PATH ?? "",
      TMPDIR: root,
      TRAWL_DOWNLOADS: this.downloads,
      TRAWL_ALLOW_PRIVATE: "1",
      TRAWL_LEASE_TTL_MS: String(LEASE_TTL_MS),
      TRAWL_RATE: "0",
      ...options.env,
    };
  }

  /** A stack on a folder of its own, running. It is ended when the test or the file ends. */
  static async start(options: StackOptions = {}): Promise<Stack> {
    const stack = await Stack.prepare(options);
    await stack.up();
    return stack;
  }

  /** The same, but nothing runs yet. */
  static async prepare(options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack(await testDir("stack"), options);
    atEnd(() => stack.end());
    return stack;
  }

  /**
   * `trawl up` on this folder; after the first time on the port of the first. Answers once it serves and its node works.
   *
   * @param env other settings from now on.
   */
  async up(env: Record<string, string> = {}): Promise<void> {
    this.env = { ...this.env, ...env };
    const child = spawn(process.execPath, [CLI, ...this.upArguments], {
      cwd: this.root,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = new LogLines(child.stderr);
    tellOnFailure("host", log);
    const exited = once(child, "exit").then(([code]) => {
      throw new Error(`trawl up ended with ${code}:\n${log.lines.join("\n")}`);
    });
    exited.catch(() => {});
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited])) as [string];
    this.#running = { child, said: JSON.parse(line) as Said, log };
    this.#port = Number(new URL(this.url).port);
    // The host serves before its node does; a test that begins now would count the node as its own.
    if (this.#slots > 0) await log.waitFor("node.ready");
  }

  get upArguments(): string[] {
    const node = this.#slots === 0 ? ["--no-node"] : ["--slots", String(this.#slots)];
    return ["up", "--port", String(this.#port), "--data", this.data, "--json", ...node];
  }

  get #now() {
    if (this.#running === null) throw new Error("the stack was never started");
    return this.#running;
  }
  get url(): string {
    return this.#now.said.url;
  }
  get adminToken(): string {
    return this.#now.said.admin_token;
  }
  get apiKey(): string {
    return this.#now.said.api_key;
  }
  get log(): LogLines {
    return this.#now.log;
  }
  get hostPid(): number {
    return this.#now.said.pid;
  }
  get api(): Api {
    return new Api(this.url, this.apiKey);
  }

  /** Live processes of these roles. Extra nodes that keep their data below `root` are among them. */
  pids(...roles: Role[]): number[] {
    return processesOf(this.root)
      .filter((each) => roles.includes(each.role))
      .map((each) => each.pid);
  }

  /** The workerd that serves this folder, by the lock file. */
  async workerdPid(): Promise<number> {
    const lock = JSON.parse(await readFile(join(this.data, "lock"), "utf8")) as { workerd: { pid: number } };
    return lock.workerd.pid;
  }

  /** kill -9 of these processes at once; answers when they are gone. */
  async kill(...pids: number[]): Promise<void> {
    for (const pid of pids) signal(pid, "SIGKILL");
    await gone(pids);
  }

  /** SIGTERM to the host. Answers its exit code, once all that it owned has gone too. */
  async stop(): Promise<number | null> {
    const { child } = this.#now;
    return ended(child, () => child.kill("SIGTERM"));
  }

  /** Whatever state it is in: nothing of it runs afterwards. Without mercy, as a gentle stop is a test of its own. */
  async end(): Promise<void> {
    await this.kill(...processesOf(this.root).map(({ pid }) => pid));
    if (this.#running !== null) await ended(this.#running.child);
  }
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** The exit code, after `how` if it still runs. */
export async function ended(child: ChildProcess, how: () => void = () => {}): Promise<number | null> {
  if (!isRunning(child)) return child.exitCode;
  const exit = once(child, "exit") as Promise<[number | null]>;
  how();
  return (await exit)[0];
}

/** Worker nodes besides the stack's own: `trawl node`, as on another host. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { atEnd } from "./at-end.ts";
import { LogLines } from "./log-lines.ts";
import { signal } from "./processes.ts";
import { CLI, ended, isRunning, type Stack } from "./stack.ts";
import { tellOnFailure } from "./tell.ts";

export interface ExtraNodeOptions {
  slots?: number;
  /** Where it believes the edge to be. Defaults to where it is. */
  edge?: string;
  env?: Record<string, string>;
}

export interface ExtraNode {
  readonly name: string;
  readonly data: string;
  readonly pid: number;
  readonly log: LogLines;
  readonly child: ChildProcess;
  /** Its exit code, after SIGTERM if `how` is left out. */
  stop(how?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a node and answers once it has a session. The same name again is the same node: it keeps its identity. */
export async function startNode(stack: Stack, name: string, options: ExtraNodeOptions = {}): Promise<ExtraNode> {
  const data = join(stack.root, name);
  const slots = String(options.slots ?? 1);
  const args = [CLI, "node", "--edge", options.edge ?? stack.url, "--data", data, "--name", name, "--slots", slots];
  const child = spawn(process.execPath, args, {
    cwd: stack.root,
    env: { ...stack.env, TRAWL_ENROL_TOKEN: await enrolment(stack), ...options.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log = new LogLines(child.stderr);
  tellOnFailure(name, log);
  const node: ExtraNode = {
    name,
    data,
    pid: child.pid ?? -1,
    log,
    child,
    stop: (how = "SIGTERM") => ended(child, () => child.kill(how)),
  };
  atEnd(() => end(node));
  await log.waitFor("node.ready");
  return node;
}

/** A frozen one is thawed first: SIGTERM alone would wait for ever. */
async function end({ child, pid }: ExtraNode): Promise<void> {
  if (!isRunning(child)) return;
  signal(pid, "SIGCONT");
  await ended(child, () => child.kill("SIGKILL"));
}

/** A token for one more node. */
export async function enrolment(stack: Stack): Promise<string> {
  const response = await fetch(`${stack.url}/admin/enrolments`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.adminToken}` },
    body: "{}",
  });
  if (response.status !== 201) throw new Error(`no enrolment: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

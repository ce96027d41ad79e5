/** The processes of one stack: everything whose command line, environment or working directory names its folder. */
import { readFileSync } from "node:fs";
import { ownedProcesses } from "../../leaks/proc.ts";
import { eventually } from "./eventually.ts";

export type Role = "host" | "workerd" | "node" | "tool";

export interface StackProcess {
  readonly pid: number;
  readonly role: Role;
  readonly command: string;
}

const NO_PROCESS = -1;
const ALL: ReadonlySet<number> = new Set();

/** All live processes of the folder, whoever their parent is by now. */
export function processesOf(folder: string): StackProcess[] {
  const found = ownedProcesses({ self: NO_PROCESS, folder }, ALL);
  return [...found].map(([pid, told]) => {
    const command = told.replace(/^process \d+: /, "");
    return { pid: Number(pid), role: roleOf(Number(pid), command), command };
  });
}

function roleOf(pid: number, command: string): Role {
  // A tool keeps its attempt's folder in its environment, a grandchild that left its group too.
  if (environmentOf(pid).includes("TRAWL_ATTEMPT_DIR=")) return "tool";
  if (/\bworkerd serve\b/.test(command)) return "workerd";
  if (/trawl\.ts up\b/.test(command)) return "host";
  if (/trawl\.(?:ts|mjs) node\b/.test(command)) return "node";
  return "tool";
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

/** Sends a signal; a process that has gone in the meantime is what was wanted. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Resolves when none of these processes is left. */
export async function gone(pids: readonly number[]): Promise<void> {
  await eventually(
    () => pids.every((pid) => !isAlive(pid)),
    () => `the end of ${pids.filter(isAlive).join(", ")}`,
  );
}

/** A zombie is dead: reaping it is up to its parent. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3));
  } catch {
    return false;
  }
}

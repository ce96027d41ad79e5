import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** A process that a reused pid cannot impersonate: the start time is in clock ticks since boot (proc(5), field 22). */
export type ProcessIdentity = { pid: number; start: string };

const GONE_POLL_MS = 20;
const GONE_LIMIT_MS = 5_000;

/** The identity of a living process, or null. Where there is no `/proc` no process can be identified. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // The command name, in parentheses, may itself hold spaces and parentheses: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  // A zombie holds no file and no lock: it is gone for every purpose here.
  if (start === undefined || state === "Z" || state === "X") return null;
  return { pid, start };
}

/** Whether exactly this process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.start === identity.start;
}

/** Parses `<pid> <start>`, as the wrapper of workerd writes it. */
export function parseIdentity(text: string): ProcessIdentity | null {
  const match = /^(\d+) (\d+)\s*$/.exec(text);
  return match?.[1] !== undefined && match[2] !== undefined ? { pid: Number(match[1]), start: match[2] } : null;
}

/**
 * Kills a process that a dead host left behind and waits until it is gone. The command line is checked besides the
 * start time, because ticks begin again at each boot. Answers whether there was anything to end.
 */
export async function endLeftover(identity: ProcessIdentity, commandPart: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${identity.pid}/cmdline`, "utf8").catch(() => "");
  if (!commandLine.includes(commandPart) || !(await isAlive(identity))) return false;
  process.kill(identity.pid, "SIGKILL");
  for (let waited = 0; await isAlive(identity); waited += GONE_POLL_MS) {
    if (waited > GONE_LIMIT_MS) throw new Error(`process ${identity.pid} does not end`);
    await delay(GONE_POLL_MS);
  }
  return true;
}

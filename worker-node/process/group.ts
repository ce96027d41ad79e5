/** Ends process groups and makes sure that they are gone. */
import { setTimeout as delay } from "node:timers/promises";
import { toolUser } from "./confine.ts";
import { environmentOf, folderOf, listProcesses, type ProcStat, userOf } from "./proc.ts";

/** What a tool gets between SIGTERM and SIGKILL: yt-dlp and ffmpeg need far less to close their files. */
export const KILL_GRACE_MS = 2_000;
/** A process in uninterruptible disk wait outlives SIGKILL; past this we go on and leave it to the next sweep. */
const KILL_WAIT_MS = 5_000;
const POLL_MS = 20;

/** Every tool carries its attempt's folder in this variable, so that a grandchild that left the group is found too. */
export const ATTEMPT_VARIABLE = "TRAWL_ATTEMPT_DIR";

/** True while the group has a member that still runs. */
export function groupAlive(pgid: number): boolean {
  if (!signalGroup(pgid, 0)) return false;
  const processes = listProcesses();
  return processes === null || processes.some((one) => one.pgid === pgid);
}

/**
 * Ends a process group: SIGTERM, after `graceMs` SIGKILL, and waits until no member is left.
 *
 * @returns true when the group is gone, false when it outlived `KILL_WAIT_MS` after SIGKILL.
 * @example await killGroup(child.pid, 0); // at once
 */
export async function killGroup(pgid: number, graceMs: number = KILL_GRACE_MS): Promise<boolean> {
  // 0 would be our own group and 1 with the minus sign is "every process": never.
  if (!Number.isInteger(pgid) || pgid <= 1) return true;
  if (graceMs > 0) {
    signalGroup(pgid, "SIGTERM");
    if (await gone(() => groupAlive(pgid), graceMs)) return true;
  }
  signalGroup(pgid, "SIGKILL");
  return gone(() => groupAlive(pgid), KILL_WAIT_MS);
}

/**
 * Kills what was started for this attempt folder and left its group, with a new session and an empty environment too, if
 * the folder has a uid of its own. Returns how many processes it met.
 */
export async function killMarked(dir: string): Promise<number> {
  const user = toolUser(dir);
  const seen = new Set<number>();
  const sweep = (): boolean => {
    const marked = (listProcesses() ?? []).filter((one) => belongs(one, dir, user));
    for (const one of marked) {
      seen.add(one.pid);
      signalProcess(one.pid, "SIGKILL");
    }
    return marked.length > 0;
  };
  // Again until a look finds none: a forking process may be faster than one look at the table.
  await gone(sweep, KILL_WAIT_MS);
  return seen.size;
}

function belongs({ pid, tty }: ProcStat, dir: string, user: number | null): boolean {
  const marked = environmentOf(pid, ATTEMPT_VARIABLE);
  if (marked !== null) return marked === dir;
  if (pid === process.pid) return false;
  if (user !== null) return userOf(pid) === user;
  // Someone may look into the folder from a shell.
  const folder = tty === 0 ? folderOf(pid) : null;
  return folder === dir || folder?.startsWith(`${dir}/`) === true;
}

async function gone(alive: () => boolean, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs;
  while (alive()) {
    if (performance.now() > until) return false;
    await delay(POLL_MS);
  }
  return true;
}

function signalGroup(pgid: number, name: NodeJS.Signals | 0): boolean {
  return signalProcess(-pgid, name);
}

/** False when there is no such process any more. */
export function signalProcess(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    // EPERM: it exists, but is not ours (any more).
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

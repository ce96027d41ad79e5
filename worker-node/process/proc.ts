/**
 * What `/proc` says about processes. Linux only: elsewhere every answer is "unknown", and callers fall back to signals.
 * A zombie counts as gone: in a container without an init nobody ever reaps an orphan, and waiting for it would hang.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcStat {
  pid: number;
  /** One letter, `Z` = zombie. */
  state: string;
  pgid: number;
  /** 0: no controlling terminal. */
  tty: number;
  /** Clock ticks since boot: with the pid it names one process for good, as pids are reused. */
  start_time: number;
}

/** Parses one `/proc/<pid>/stat`; null when the process is gone or the text is not what the kernel writes. */
export function parseStat(text: string): ProcStat | null {
  // The command name stands in brackets and may itself contain spaces and brackets: count from the last one.
  const close = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(close + 2).split(" ");
  const [state, , pgid, , tty] = fields;
  const start = fields[19];
  if (close < 0 || state === undefined || pgid === undefined || start === undefined) return null;
  const stat = { pid, state, pgid: Number(pgid), tty: Number(tty), start_time: Number(start) };
  return Number.isFinite(stat.pid) && Number.isFinite(stat.pgid) && Number.isFinite(stat.start_time) ? stat : null;
}

export function readStat(pid: number): ProcStat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null;
  }
}

/** All live (not zombie) processes; null where there is no `/proc`. */
export function listProcesses(): ProcStat[] | null {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return null;
  }
  const found: ProcStat[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat !== null && stat.state !== "Z" && stat.state !== "X") found.push(stat);
  }
  return found;
}

/** The real uid that a process runs under; null when it is gone. */
export function userOf(pid: number): number | null {
  try {
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return uid === undefined ? null : Number(uid);
  } catch {
    return null;
  }
}

/** One variable of the environment that a process was started with; null when it has none, or does not show it. */
export function environmentOf(pid: number, name: string): string | null {
  try {
    const found = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .find((one) => one.startsWith(`${name}=`));
    return found?.slice(name.length + 1) ?? null;
  } catch {
    return null;
  }
}

/** The folder in which a process is; null when it is gone or does not show it. */
export function folderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

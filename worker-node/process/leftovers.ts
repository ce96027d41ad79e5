/**
 * `<folder>.json` beside each attempt folder names the process groups that run for it, so that a node that was killed ends
 * them at its next start. Beside and not inside: a tool that could write it would choose what the node kills. The kill is safe against reused pids: a group is ended only if its leader still has the start
 * time that was written down; what outlived its leader, or left the group, is found by the attempt variable in its
 * environment, which no stranger's process carries.
 */
import { type Dirent, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { killGroup, killMarked } from "./group.ts";
import { readStat } from "./proc.ts";
import type { GroupLog } from "./run.ts";

const SUFFIX = ".json";
/** Larger than any list of groups; a bigger file is not ours. */
const MAX_FILE_BYTES = 64 * 1024;

export interface ProcessGroup {
  pgid: number;
  start_time: number;
}

export interface AttemptFile {
  job: string;
  token: string;
  groups: ProcessGroup[];
}

/** Replaces the folder's list as a whole: a half-written one would hide its groups. */
export function writeAttemptFile(dir: string, file: AttemptFile): void {
  const path = `${dir}${SUFFIX}`;
  writeFileSync(`${path}.new`, JSON.stringify(file), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/**
 * Keeps the list of one attempt up to date; give it to every `runTool` of that attempt.
 *
 * @example const groups = recordGroups(dir, "01a2…", "3.1"); await runTool(command, { dir, groups });
 */
export function recordGroups(dir: string, job: string, token: string): GroupLog {
  const groups = new Map<number, ProcessGroup>();
  const write = (): void => writeAttemptFile(dir, { job, token, groups: [...groups.values()] });
  write();
  return {
    // Synchronous on purpose: the file names the group before the tool's first line is handled.
    started(group) {
      groups.set(group.pgid, group);
      write();
    },
    ended(pgid) {
      groups.delete(pgid);
      write();
    },
  };
}

export interface SweepCounts {
  directories: number;
  groups: number;
  /** Processes found by their environment after their group was dealt with. */
  strays: number;
}

/**
 * Ends what earlier runs of this node left behind and removes their attempt folders. Call it once at start, before the
 * first attempt: each folder below `workRoot` is taken for dead.
 */
export async function sweepLeftovers(workRoot: string): Promise<SweepCounts> {
  const counts: SweepCounts = { directories: 0, groups: 0, strays: 0 };
  for (const name of namesOf(workRoot, (entry) => entry.isDirectory())) {
    const dir = resolve(workRoot, name);
    for (const group of readAttemptFile(dir)?.groups ?? []) {
      const stat = readStat(group.pgid);
      if (stat === null || stat.start_time !== group.start_time || stat.pgid !== group.pgid) continue;
      await killGroup(group.pgid, 0);
      counts.groups += 1;
    }
    counts.strays += await removeAttempt(dir);
    counts.directories += 1;
  }
  // A list without its folder: killed between the two removals.
  for (const path of namesOf(workRoot, (entry) => entry.isFile() && entry.name.endsWith(SUFFIX)))
    rmSync(join(workRoot, path), { force: true });
  return counts;
}

/** Ends what still runs for an attempt and removes its folder. Returns how many stray processes it met. */
export async function removeAttempt(dir: string): Promise<number> {
  const strays = await killMarked(resolve(dir));
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  rmSync(`${dir}${SUFFIX}`, { force: true });
  return strays;
}

function namesOf(workRoot: string, wanted: (entry: Dirent) => boolean): string[] {
  try {
    return readdirSync(workRoot, { withFileTypes: true })
      .filter(wanted)
      .map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readAttemptFile(dir: string): AttemptFile | null {
  try {
    const text = readFileSync(`${dir}${SUFFIX}`, "utf8");
    if (text.length > MAX_FILE_BYTES) return null;
    const { job, token, groups } = JSON.parse(text) as Partial<AttemptFile>;
    if (!Array.isArray(groups)) return null;
    return {
      job: String(job),
      token: String(token),
      groups: groups.filter((one) => Number.isInteger(one?.pgid) && Number.isInteger(one?.start_time)),
    };
  } catch {
    return null;
  }
}

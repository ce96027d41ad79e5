/**
 * What a tool is held in beside its process group. Tools read what strangers wrote; one that is taken over must reach
 * neither the node's key, nor another attempt, nor more of the machine than a job needs.
 *
 * - A node that is root gives each attempt folder a uid of its own, and **a tool runs as the owner of its folder**: nothing
 *   has to be told from call to call. The uids are those that systemd keeps for services without an account (61184–65519,
 *   systemd.io/UIDS-GIDS): no file and no login has one.
 * - Limits on memory, file size, open files, processes, wherever `prlimit` is.
 */
import {
  chownSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { lchown, lstat, mkdir, writeFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";

const FIRST_UID = 61_184;
const LAST_UID = 65_519;

const GIB = 1024 ** 3;
/** Of a tool's own memory (`RLIMIT_DATA`: address space alone says nothing, a JavaScript engine reserves it by the terabyte). */
const MEMORY_SHARE = 0.75;
const MIN_MEMORY_BYTES = GIB;
const MAX_MEMORY_BYTES = 8 * GIB;
const MAX_OPEN_FILES = 4_096;
/** Threads count too, for all tools of one attempt together: ffmpeg starts a few for each core. */
const MAX_PROCESSES = 1_024;
/** No file grows into what is left of the disk beyond this; the watch of `media/disk.ts` acts before. */
const FILE_RESERVE_BYTES = 64 * 1024 * 1024;

const find = (name: string) => ["/usr/bin", "/bin", "/usr/sbin"].map((dir) => join(dir, name)).find(existsSync);
export const SETPRIV = find("setpriv");
const PRLIMIT = find("prlimit");

/** The uid of ours that owns a folder; null: it is the node's own, or the node may not change uids. */
export function toolUser(dir: string): number | null {
  if (process.getuid?.() !== 0 || SETPRIV === undefined) return null;
  const { uid } = statSync(dir, { throwIfNoEntry: false }) ?? { uid: 0 };
  return uid >= FIRST_UID && uid <= LAST_UID ? uid : null;
}

export interface Confinement {
  /** Uid and gid; null: the node's own. */
  user: number | null;
  /** Names as in `RLIMIT_*`, in lower case. Never above the node's own: nobody but root may raise those. */
  limits: Readonly<Record<string, number>>;
}

/**
 * What a tool is held in that works in this folder.
 *
 * @param memoryBytes what it may have of memory, if that is less than any tool's.
 */
export function confinementOf(dir: string, memoryBytes = MAX_MEMORY_BYTES): Confinement {
  const user = toolUser(dir);
  const { bavail, bsize } = statfsSync(dir);
  const memory = Math.round(
    Math.min(memoryBytes, MAX_MEMORY_BYTES, Math.max(MIN_MEMORY_BYTES, totalmem() * MEMORY_SHARE)),
  );
  const limits = {
    core: 0,
    data: Math.min(memory, ownLimit("Max data size")),
    fsize: Math.min(Math.max(FILE_RESERVE_BYTES, bavail * bsize - FILE_RESERVE_BYTES), ownLimit("Max file size")),
    nofile: Math.min(MAX_OPEN_FILES, ownLimit("Max open files")),
  };
  // The kernel counts all processes of a uid: under the node's own it would count the node's too.
  const processes = user === null ? {} : { nproc: Math.min(MAX_PROCESSES, ownLimit("Max processes")) };
  return { user, limits: { ...limits, ...processes } };
}

/** The hard limit; `/proc/self/limits` has the soft one in the column before. */
function ownLimit(name: string): number {
  let table: string;
  try {
    table = readFileSync("/proc/self/limits", "latin1");
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const hard = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, "m").exec(table)?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}

/** The command as it is really started: dying with us, within its limits, as the owner of its folder. 1 ms, seen. */
export function confined(command: readonly string[], dir: string, memoryBytes?: number): readonly string[] {
  const { user, limits } = confinementOf(dir, memoryBytes);
  const within = Object.entries(limits).map(([name, value]) => `--${name}=${value}`);
  return [...(PRLIMIT === undefined ? [] : [PRLIMIT, ...within, "--"]), ...privileges(user), ...command];
}

/** In this order `setpriv` sets the death signal last: a change of uid would clear it (prctl(2)). */
function privileges(user: number | null): string[] {
  if (SETPRIV === undefined) return [];
  const own = [
    "--reuid",
    String(user),
    "--regid",
    String(user),
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
  ];
  return [SETPRIV, ...(user === null ? [] : own), "--no-new-privs", "--pdeathsig", "KILL", "--"];
}

/** Hands out folders with a uid that no other folder beside it has. */
export class ToolUsers {
  readonly #root: string;
  // Two nodes on one machine begin at different places; where they meet, `killMarked` spares the other's processes.
  #last = FIRST_UID + Math.floor(Math.random() * (LAST_UID - FIRST_UID + 1));

  /** @param root The folder of all attempt folders; others may pass through it (0711). */
  constructor(root: string) {
    this.#root = root;
  }

  giveTo(dir: string): void {
    const taken = new Set(readdirSync(this.#root).map((name) => lstatSync(join(this.#root, name)).uid));
    do this.#last = this.#last >= LAST_UID ? FIRST_UID : this.#last + 1;
    while (taken.has(this.#last));
    chownSync(dir, this.#last, this.#last);
  }
}

/** Makes an attempt folder, for its owner alone. */
export async function makeFolder(dir: string, users: ToolUsers | null): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  users?.giveTo(dir);
}

/** What the node has laid into a folder for its tool becomes the tool's: whoever wrote it need not know that there is another uid. */
export function giveToTool(dir: string, user: number): void {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    // One name only: a second one may be anywhere.
    if (found?.isFile() && found.uid !== user && found.nlink === 1) lchownSync(path, user, user);
  }
}

/**
 * Takes out of a folder what no tool has a reason to make: links, pipes, sockets. The node reads and writes there with
 * rights that the tool has not; through a link it would do so anywhere.
 */
export function dropLinks(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isDirectory()) rmSync(join(dir, entry.name), { force: true });
  }
}

/** Writes a file into a tool's folder: never through a link that lies in its place. */
export async function writeForTool(path: string, text: string): Promise<void> {
  const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
  await writeFile(path, text, { flag: O_CREAT | O_NOFOLLOW | O_TRUNC | O_WRONLY, mode: 0o600 });
}

/** The folder is the node's alone from here on. Its tools must have been ended. */
export function takeBack(dir: string): void {
  if (toolUser(dir) !== null) chownSync(dir, 0, 0);
}

/**
 * A plain file of a folder that was taken back is the node's from here on: whoever takes it over (`upload/hand-over.ts`) has to
 * know that nobody else can write to it.
 */
export async function takeFile(path: string): Promise<void> {
  if (process.getuid?.() === 0) await lchown(path, 0, 0);
}

/** A plain file with one name: not a way to something else. */
export async function isPlainFile(path: string): Promise<boolean> {
  const found = await lstat(path);
  return found.isFile() && found.nlink === 1;
}

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** How processes that a test started are told from all others. */
export interface ProcessMark {
  /** Everything below this process is its own. */
  self: number;
  /** So is what lost its parent, if it works in this folder or was started with it as a variable or argument. */
  folder: string;
}

/** What a look at /proc found: a stable key → a description for the error message. */
export type Found = Map<string, string>;

/** A file below /proc may vanish, or belong to another user, between two calls. Synchronous: 1 ms where the pool took 40. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
const text = (path: string): string => attempt(() => readFileSync(path, "utf8"));
const link = (path: string): string => attempt(() => readlinkSync(path));

interface Process {
  pid: number;
  parent: number;
  state: string;
}

function processes(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    // pid (name) state ppid: the name may hold blanks and brackets, so count from the last one.
    const stat = text(`/proc/${name}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === undefined || parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent), state }];
  });
}

/** The pids alive now. Taken before a mark's folder exists, none of them can carry the mark. */
export function pidsNow(): ReadonlySet<number> {
  return new Set(processes().map(({ pid }) => pid));
}

function isMarked(pid: number, folder: string): boolean {
  return (
    text(`/proc/${pid}/environ`).includes(folder) ||
    text(`/proc/${pid}/cmdline`).includes(folder) ||
    link(`/proc/${pid}/cwd`).startsWith(folder)
  );
}

/**
 * Lists the live processes that carry the mark. Zombies are left out: they are dead, and reaping them is up to Node.
 *
 * @param older Pids that are known not to carry it, to save most of the work.
 */
export function ownedProcesses(mark: ProcessMark, older: ReadonlySet<number>): Found {
  const all = processes();
  const owned = new Set([mark.self]);
  for (let before = 0; before !== owned.size; ) {
    before = owned.size;
    for (const { pid, parent } of all) if (owned.has(parent)) owned.add(pid);
  }
  const found: Found = new Map();
  for (const { pid, state } of all) {
    if (pid === mark.self || state === "Z" || state === "X") continue;
    if (!owned.has(pid) && (older.has(pid) || !isMarked(pid, mark.folder))) continue;
    const command = text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    if (command !== "") found.set(String(pid), `process ${pid}: ${command.slice(0, 200)}`);
  }
  return found;
}

/** Lists the sockets on which this process listens, by inode. */
export function listeningSockets(): Found {
  const fds = readdirSync("/proc/self/fd");
  const links = fds.map((fd) => link(`/proc/self/fd/${fd}`));
  const inodes = new Set(links.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const found: Found = new Map();
  if (inodes.size === 0) return found;
  for (const line of `${text("/proc/self/net/tcp")}\n${text("/proc/self/net/tcp6")}`.split("\n")) {
    // sl local_address rem_address st ... inode; state 0A is LISTEN.
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state !== "0A" || local === undefined || inode === undefined || !inodes.has(inode)) continue;
    found.set(inode, `listening on port ${Number.parseInt(local.split(":").at(-1) ?? "", 16)}`);
  }
  for (const line of text("/proc/self/net/unix").split("\n")) {
    // Num RefCount Protocol Flags Type St Inode Path; flag 00010000 is "accepts connections".
    const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
    if (flags !== "00010000" || inode === undefined || !inodes.has(inode)) continue;
    found.set(inode, `listening on ${path ?? "a nameless socket"}`);
  }
  return found;
}

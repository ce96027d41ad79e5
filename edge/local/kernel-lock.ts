import { DatabaseSync } from "node:sqlite";

/** SQLite's code for "another connection holds the lock". */
const SQLITE_BUSY = 5;

/**
 * Takes an exclusive lock on a file, or answers null if another holder did not let go within `waitMs`.
 *
 * Node has no `flock`, and a pid file cannot be taken over without a window in which two starters both win. An open
 * `BEGIN IMMEDIATE` of `node:sqlite` is a lock of the kernel's: it ends with the process however that dies, holds across
 * containers that share a folder (a pid does not), and exactly one of many starters gets it. `IMMEDIATE`, not
 * `EXCLUSIVE`: the latter also waits for readers, so two starters could turn each other away. Nothing is ever written:
 * the file stays empty. While it waits, the thread is blocked.
 */
export function takeKernelLock(path: string, waitMs: number): { release(): void } | null {
  const database = new DatabaseSync(path);
  try {
    // In memory: a journal file would outlive a kill -9, and the next starters would first have to clear it away.
    database.exec(`PRAGMA busy_timeout = ${waitMs}; PRAGMA journal_mode = MEMORY`);
    database.exec("BEGIN IMMEDIATE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

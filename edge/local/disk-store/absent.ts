/** What is not there, told apart from a disk that is not there. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "./errno.ts";
import { RefusedError } from "./errors.ts";
import { JOURNAL_FILE } from "./journal.ts";
import { OWN_FOLDER } from "./paths.ts";

/** Gone, or a symbolic link (ELOOP by O_NOFOLLOW): neither is an object of ours. */
export async function absentAsNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].some((code) => isErrno(error, code))) return null;
    throw error;
  }
}

/**
 * A folder that is not mounted has no files: that is no reason to take them for deleted. Our journal is there from the
 * start on, as long as it is the same folder.
 *
 * @throws RefusedError `downloads_missing`
 */
export async function needDownloads(root: string): Promise<void> {
  const there = await absentAsNull(() => lstat(join(root, OWN_FOLDER, JOURNAL_FILE)));
  if (there === null) throw new RefusedError(503, "downloads_missing");
}

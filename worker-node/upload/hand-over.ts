/**
 * The way into a disk store on this very machine: the finished file is renamed to where the store expects an upload's bytes,
 * and its parts are claimed without a byte being sent (docs/decisions/026).
 */
import { chmod, lstat, rename, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The ids that the disk store gives; no other store's may become a path. */
const DISK_UPLOAD_ID = /^[0-9a-f]{32}$/;
/** The answers of a file system for "not from there to here", "not yours" and "not that store's upload". */
const NOT_HERE: ReadonlySet<unknown> = new Set(["EXDEV", "EACCES", "EPERM", "ENOENT", "EROFS"]);

/**
 * Renames the file over the store's empty temp file, with that file's mode.
 *
 * @param folder the store's own, as the embedded host told its node
 * @returns where the file lies now; null: it lies where it was, and is to be sent
 */
export async function handOver(path: string, uploadId: string, folder: string): Promise<string | null> {
  if (!DISK_UPLOAD_ID.test(uploadId)) return null;
  const place = join(folder, `${uploadId}.part`);
  try {
    const [ours, theirs] = await Promise.all([lstat(path), lstat(place)]);
    // Under another owner, or with a name left elsewhere, the bytes could still change when the store has taken them.
    const alone = ours.isFile() && ours.nlink === 1 && ours.uid === theirs.uid;
    if (!alone || !theirs.isFile() || theirs.size > 0) return null;
    await chmod(path, theirs.mode & 0o777);
    // The store's ETags are made of size and time: a source's own time would repeat.
    const now = new Date();
    await utimes(path, now, now);
    await replace(path, place, theirs.mode);
    return place;
  } catch (error) {
    if (NOT_HERE.has((error as NodeJS.ErrnoException).code)) return null;
    throw error;
  }
}

/**
 * In two steps: a rename over another file waits until ext4 has sent all of the new one to the disk (`auto_da_alloc`; 0.3 s a
 * gigabyte), which the store does itself beside its hash. A store that is killed in between finds an upload without bytes,
 * as if someone had removed them, and the attempt is made again.
 */
async function replace(path: string, place: string, mode: number): Promise<void> {
  await unlink(place);
  try {
    await rename(path, place);
  } catch (error) {
    // It is sent, to a store that is as it was.
    await writeFile(place, "", { flag: "wx", mode });
    throw error;
  }
}

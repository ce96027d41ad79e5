/** A file in an attempt's folder that is there whole, or not at all. */
import { constants, type FileHandle, open, rm } from "node:fs/promises";

/**
 * @param path Must not exist. Gone again if `fill` fails.
 * @throws what `fill` and the file system throw.
 */
export async function writeNewFile<Value>(path: string, fill: (file: FileHandle) => Promise<Value>): Promise<Value> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  // The folder may be a tool's: whatever lies there under this name is not to be written through.
  const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
  try {
    const value = await fill(file);
    await file.close();
    return value;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

/** The size limit of an account while yt-dlp works: not all of its downloaders tell how far they are. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** At 400 MB/s a file is 200 MB over its limit by then. */
const LOOK_MS = 500;

/**
 * Calls `onTooLarge` once when a file below one of the folders has more than `maxBytes`. Answers what ends it.
 *
 * @example const unwatch = watchSizes([out], 2 * 1024 ** 3, () => abort.abort());
 */
export function watchSizes(folders: readonly string[], maxBytes: number | null, onTooLarge: () => void): () => void {
  if (maxBytes === null) return () => {};
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const sizes = await Promise.all(folders.map(largestIn));
    looking = false;
    if (Math.max(...sizes) <= maxBytes) return;
    clearInterval(timer);
    onTooLarge();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  return () => clearInterval(timer);
}

/** 0 where nothing is, or has just gone. */
async function largestIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return largestIn(path);
    return lstat(path).then(
      ({ size }) => size,
      () => 0,
    );
  });
  return Math.max(0, ...(await Promise.all(sizes)));
}

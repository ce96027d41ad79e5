/** Free disk before and during a job. */
import { statfs } from "node:fs/promises";
import { MediaFailure } from "./failure.ts";

/** Always kept free: a full disk takes the node's other jobs, and the host, with it. */
const DISK_RESERVE_BYTES = 256 * 1024 * 1024;
/** A job under way is ended when less than this is left. */
export const DISK_LOW_WATER_BYTES = 128 * 1024 * 1024;
/** Between two looks at the disk: at 400 MB/s it takes 100 MB. */
const DISK_WATCH_MS = 250;
/** The source and the converted file lie side by side for a while. */
const COPIES = 2;

/**
 * Throws `disk` unless the folder's file system has room for a source of `expectedBytes` and its conversion.
 *
 * @example await ensureFreeDisk(dir, info.size_estimate);
 */
export async function ensureFreeDisk(dir: string, expectedBytes: number | null): Promise<void> {
  if ((await freeBytes(dir)) < DISK_RESERVE_BYTES + (expectedBytes ?? 0) * COPIES) throw new MediaFailure("disk");
}

/** Bytes that an unprivileged process may still write there. */
export async function freeBytes(dir: string): Promise<number> {
  const stats = await statfs(dir);
  return stats.bavail * stats.bsize;
}

/**
 * Runs a job's work with an eye on the disk, whoever fills it: the work's signal is aborted with `disk` when less than
 * {@link DISK_LOW_WATER_BYTES} is left. The other jobs of the node, and its host, need the rest.
 *
 * @param free Defaults to the file system's own answer.
 */
export async function watchingDisk<Value>(
  dir: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
  free: (dir: string) => Promise<number> = freeBytes,
): Promise<Value> {
  const low = new AbortController();
  const look = async (): Promise<void> => {
    // The folder may go while we look: then the work is over anyway.
    const left = await free(dir).catch(() => Number.POSITIVE_INFINITY);
    if (left < DISK_LOW_WATER_BYTES) low.abort(new MediaFailure("disk"));
  };
  const timer = setInterval(() => void look(), DISK_WATCH_MS);
  try {
    return await work(AbortSignal.any([signal, low.signal]));
  } finally {
    clearInterval(timer);
  }
}

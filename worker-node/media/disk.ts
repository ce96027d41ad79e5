/** Free disk before and during a job. */
import { statfs } from "node:fs/promises";
import { MediaFailure } from "./failure.ts";

/** Always kept free: a full disk takes the node's other jobs, and the host, with it. */
const DISK_RESERVE_BYTES = 256 * 1024 * 1024;
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

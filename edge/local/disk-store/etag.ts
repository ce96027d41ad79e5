/**
 * ETag of a plain file, from size and mtime in nanoseconds: it needs no store, and a file changed by hand gets another.
 * The inode is left out: a library restored from a backup or moved to another disk (both keep mtimes) is still ours.
 */
import type { BigIntStats } from "node:fs";

/** Strong, quoted. */
export function etagOf(stats: BigIntStats): string {
  return `"${stats.size.toString(16)}-${stats.mtimeNs.toString(16)}"`;
}

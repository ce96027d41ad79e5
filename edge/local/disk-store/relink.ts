/** The steps of a rename on plain paths. A name is believed only together with the inode behind it: people move files too. */
import type { BigIntStats } from "node:fs";
import { link, lstat, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { foldKey } from "../../../shared/names.ts";
import { isErrno } from "./errno.ts";
import { etagOf } from "./etag.ts";
import { findFolder, type KeyParts } from "./paths.ts";

export interface NamedFile {
  path: string;
  stats: BigIntStats;
}

/** The plain file under this key, reached by no symbolic link, if it bears this ETag. */
export async function fileBearing(root: string, { folders, name }: KeyParts, etag: string): Promise<NamedFile | null> {
  const folder = await findFolder(root, folders);
  if (folder === null) return null;
  const path = join(folder, name);
  const stats = await look(path);
  return stats?.isFile() && etagOf(stats) === etag ? { path, stats } : null;
}

/** Something is there, and it is not this file. */
export async function isOther(path: string, own: BigIntStats): Promise<boolean> {
  const there = await look(path);
  return there !== null && !isSame(there, own);
}

/**
 * Gives the file its new name beside the old one. `moved`: both are one entry of a file system that ignores case, and it is
 * spelled anew; there is no second name.
 */
export async function secondName(
  old: NamedFile,
  path: string,
  etag: string,
): Promise<"linked" | "moved" | "taken" | "gone"> {
  try {
    await link(old.path, path);
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    if (await isOther(path, old.stats)) return "taken";
    if (!(await isOneEntry(old, path))) return "linked"; // by a rename that was killed
    await rename(old.path, path);
    return "moved";
  }
  const linked = await look(path);
  if (linked !== null && isSame(linked, old.stats) && etagOf(linked) === etag) return "linked";
  // Somebody put another file under the old name since we looked, or wrote into this one.
  if (linked !== null) await unlink(path);
  return "gone";
}

/** Removes the old name, unless it is by now another file's. */
export async function dropName(old: NamedFile, path: string): Promise<void> {
  const [was, is] = [await look(old.path), await look(path)];
  if (was === null || is === null || !isSame(was, is)) return;
  try {
    await unlink(old.path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

/** Whether two paths to one file are two spellings of one entry: then to remove the old one would remove the file. */
async function isOneEntry(old: NamedFile, path: string): Promise<boolean> {
  if (old.stats.nlink === 1n) return true;
  const [one, other] = [await look(dirname(old.path)), await look(dirname(path))];
  if (one === null || other === null || !isSame(one, other)) return false;
  const folded = new Set([foldKey(basename(old.path)), foldKey(basename(path))]);
  let entries = 0;
  for (const name of await readdir(dirname(path))) {
    if (!folded.has(foldKey(name))) continue;
    if (!(await isOther(join(dirname(path), name), old.stats))) entries++;
  }
  return entries === 1;
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

async function look(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return null;
    throw error;
  }
}

/** From keys to paths inside the downloads folder, and nowhere else. */
import { access, constants, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { foldKey } from "../../../shared/names.ts";
import { isErrno, isForbidden } from "./errno.ts";

/** The service's own folder inside downloads: uploads in progress and its journal. */
export const OWN_FOLDER = ".trawl";

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose; a backslash parts paths on Windows
const FORBIDDEN_IN_SEGMENT = /[\u0000-\u001f\u007f\\]/;
/** NAME_MAX of every common file system. */
const MAX_SEGMENT_BYTES = 255;

/** A key that cannot name a file of ours, now or later. */
export class BadKeyError extends Error {
  override readonly name = "BadKeyError";
}

export interface KeyParts {
  folders: string[];
  name: string;
}

/**
 * Splits a key into safe segments.
 *
 * @throws BadKeyError for absolute keys, `.` and `..`, NUL and other controls, empty or over-long segments, and the
 *   service's own folder in any case
 */
export function splitKey(key: string): KeyParts {
  const segments = key.split("/");
  for (const segment of segments) {
    if (segment === "" || segment === "." || segment === ".." || FORBIDDEN_IN_SEGMENT.test(segment)) {
      throw new BadKeyError("the key has an empty, relative or unprintable segment");
    }
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) throw new BadKeyError("the key has a segment over 255 bytes");
  }
  const name = segments.pop() ?? "";
  if (isOwnFolder(segments[0] ?? name)) throw new BadKeyError("the key is inside the store's own folder");
  return { folders: segments, name };
}

/**
 * Whether a file system may take the name for our own folder's: some ignore case and code points that are not seen
 * (HFS+), some drop dots and spaces at the end (NTFS).
 */
function isOwnFolder(segment: string): boolean {
  const seen = segment.normalize("NFKC").replace(/\p{Default_Ignorable_Code_Point}/gu, "");
  return foldKey(seen).replace(/[. ]+$/, "") === OWN_FOLDER;
}

/** As {@link splitKey}, for the key of a folder; empty: the downloads folder itself. */
export function splitFolderKey(key: string): string[] {
  if (key === "") return [];
  const { folders, name } = splitKey(key);
  return [...folders, name];
}

/** Whether the name of something that people put there can be part of a key. */
export function canBeKey(name: string): boolean {
  try {
    splitKey(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The folder of a key if it exists and no part of it is a symbolic link, else null. A link inside downloads could lead
 * anywhere; the downloads folder itself may be one, as the operator chose it.
 */
export async function findFolder(root: string, folders: string[]): Promise<string | null> {
  let path = root;
  for (const folder of folders) {
    path = join(path, folder);
    if (!(await isPlainFolder(path))) return null;
  }
  return path;
}

/** Makes the folders of a key; `made` hears each one that was not there, as a key, outermost first. */
export async function makeFolders(root: string, folders: string[], made: (key: string) => void): Promise<string> {
  let path = root;
  for (const [index, folder] of folders.entries()) {
    path = join(path, folder);
    try {
      await mkdir(path);
      made(folders.slice(0, index + 1).join("/"));
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
      if (!(await isPlainFolder(path))) throw new BadKeyError("a folder of the key is a file or a symbolic link");
    }
  }
  return path;
}

/**
 * The folder in which a file of this key would be made, or the first folder of it that is not there yet, if we may not write
 * there; as a key, "" is the downloads folder itself. Null: nothing is in the way.
 */
export async function readOnlyFolder(root: string, folders: string[]): Promise<string | null> {
  let depth = 0;
  while (depth < folders.length && (await findFolder(root, folders.slice(0, depth + 1))) !== null) depth++;
  const there = folders.slice(0, depth);
  try {
    await access(join(root, ...there), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    // EPERM here: it is marked as not to be changed (`chattr +i`).
    return isForbidden(error) ? there.join("/") : null;
  }
}

export async function isPlainFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return false;
    throw error;
  }
}

/** Committed files: head, read, delete. Each looks at the disk anew, because people move and change their files. */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "./errno.ts";
import { etagOf } from "./etag.ts";
import { findFolder, splitKey } from "./paths.ts";
import type { Places } from "./place.ts";

export interface FoundObject {
  size: number;
  etag: string;
  /** Unix time, milliseconds. */
  lastModified: number;
}

export interface OpenedObject extends FoundObject {
  file: FileHandle;
}

export class Objects {
  readonly #root: string;
  readonly #places: Places;

  constructor(root: string, places: Places) {
    this.#root = root;
    this.#places = places;
  }

  /** Null: no plain file under this key. */
  async head(key: string): Promise<FoundObject | null> {
    const path = await this.#path(key);
    return path === null ? null : absentAsNull(async () => describe(await lstat(path, { bigint: true })));
  }

  /** The caller closes the file. Head and bytes are of the same file, whatever the name means a moment later. */
  async open(key: string): Promise<OpenedObject | null> {
    const path = await this.#path(key);
    if (path === null) return null;
    return absentAsNull(async () => {
      // Non-blocking: opening a named pipe would otherwise wait for its writer.
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const found = describe(await file.stat({ bigint: true }));
      if (found !== null) return { ...found, file };
      await file.close();
      return null;
    });
  }

  /** False: gone, or no longer the file with this ETag. */
  async delete(key: string, etag: string): Promise<boolean> {
    const path = await this.#path(key);
    if (path === null) return false;
    const found = await this.head(key);
    if (found?.etag !== etag) return false;
    const gone = await absentAsNull(async () => {
      await unlink(path);
      return true;
    });
    if (gone) await this.#places.pruneFolders(key);
    return gone ?? false;
  }

  async #path(key: string): Promise<string | null> {
    const { folders, name } = splitKey(key);
    const folder = await findFolder(this.#root, folders);
    return folder === null ? null : join(folder, name);
  }
}

function describe(stats: BigIntStats): FoundObject | null {
  if (!stats.isFile()) return null;
  return { size: Number(stats.size), etag: etagOf(stats), lastModified: Number(stats.mtimeMs) };
}

/** Gone, or a symbolic link (ELOOP by O_NOFOLLOW): neither is an object of ours. */
async function absentAsNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].some((code) => isErrno(error, code))) return null;
    throw error;
  }
}

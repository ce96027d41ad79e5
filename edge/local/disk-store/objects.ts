/** Committed files: head, read, delete, rename. Each looks at the disk anew, because people move and change their files. */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { RenameAnswer } from "../../storage/disk-wire.ts";
import { absentAsNull, needDownloads } from "./absent.ts";
import { etagOf } from "./etag.ts";
import { findFolder, splitKey } from "./paths.ts";
import { permanentFault } from "./permanent-fault.ts";
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
    const found = path === null ? null : await absentAsNull(async () => describe(await lstat(path, { bigint: true })));
    if (found === null) await needDownloads(this.#root);
    return found;
  }

  /**
   * The caller closes the file. Head and bytes are of the same file, whatever the name means a moment later.
   *
   * @param etag the file that is meant; null: whichever lies there
   */
  async open(key: string, etag: string | null): Promise<OpenedObject | null> {
    const path = await this.#path(key);
    const opened = path === null ? null : await this.#open(path);
    if (opened === null) {
      await needDownloads(this.#root);
      return null;
    }
    if (etag === null || opened.etag === etag) return opened;
    await opened.file.close();
    return null;
  }

  #open(path: string): Promise<OpenedObject | null> {
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
    // A rename has two names for the file at one moment, and would keep the other.
    const gone = await this.#places.inTurn(() => this.#unlink(key, etag));
    if (gone) await this.#places.pruneFolders(key);
    return gone;
  }

  async #unlink(key: string, etag: string): Promise<boolean> {
    const found = await this.head(key);
    const path = await this.#path(key);
    if (path === null || found?.etag !== etag) return false;
    const gone = await absentAsNull(async () => {
      await unlink(path);
      return true;
    });
    return gone ?? false;
  }

  /** Another name for the file with this ETag. The ETag stays: it is made of size and mtime, and a link changes neither. */
  async rename(from: string, to: string, etag: string): Promise<RenameAnswer> {
    try {
      const kind = await this.#places.rename(from, to, etag);
      if (kind === "gone") await needDownloads(this.#root);
      return kind === "renamed" ? { kind, etag } : { kind };
    } catch (error) {
      const code = permanentFault(error);
      if (code === null) throw error;
      return { kind: "refused", code };
    }
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

/** Gives a finished temp file its name: `link` never overwrites, unlike `rename`. */
import { link, lstat, open, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { foldKey } from "../../../shared/names.ts";
import { isErrno } from "./errno.ts";
import { FoldedNames } from "./folded-names.ts";
import type { Journal } from "./journal.ts";
import { PLACE_TRIES } from "./limits.ts";
import { findFolder, type KeyParts, makeFolders, splitKey } from "./paths.ts";
import { candidateNames } from "./suffixes.ts";

interface Linked {
  key: string;
  folders: string[];
  /** How many of the folders, counted from the innermost, are new. */
  made: number;
}

export class Places {
  readonly #root: string;
  readonly #journal: Journal;
  readonly #names = new FoldedNames();
  /** Links are made one after another, so that two commits do not look at the same free name. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(root: string, journal: Journal) {
    this.#root = root;
    this.#journal = journal;
  }

  /**
   * Links the temp file to its key or to the next free suffix and makes the entry durable.
   *
   * @returns the key it got; null if all suffixes are taken
   */
  async link(temp: string, key: string): Promise<string | null> {
    const linked = await this.#inTurn(() => this.#link(temp, key));
    if (linked !== null) await this.#sync(linked);
    return linked?.key ?? null;
  }

  /** Where a temp file was linked before a crash: the candidate with its inode. */
  async findLink(temp: string, key: string): Promise<string | null> {
    const parts = splitKey(key);
    const folder = await findFolder(this.#root, parts.folders);
    if (folder === null) return null;
    const wanted = await lstat(temp, { bigint: true });
    const names = await this.#names.of(folder);
    for (const name of candidateNames(parts.name)) {
      if (!names.has(foldKey(name))) continue;
      const found = await lstat(join(folder, name), { bigint: true }).catch(() => null);
      if (found?.ino === wanted.ino && found.dev === wanted.dev) return keyOf(parts, name);
    }
    return null;
  }

  /** Removes the folders of a key from the innermost outwards, as long as they are empty and were made by us. */
  pruneFolders(key: string): Promise<void> {
    return this.#inTurn(() => this.#prune(key));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  async #prune(key: string): Promise<void> {
    const { folders } = splitKey(key);
    for (let depth = folders.length; depth > 0; depth--) {
      const folder = folders.slice(0, depth).join("/");
      if (!this.#journal.madeFolder(folder)) return;
      try {
        await rmdir(join(this.#root, folder));
      } catch (error) {
        if (!isErrno(error, "ENOENT")) return;
      }
      await this.#journal.recordFolder(folder, "unmade");
    }
  }

  async #link(temp: string, key: string): Promise<Linked | null> {
    const parts = splitKey(key);
    for (let round = 1; ; round++) {
      try {
        return await this.#linkOnce(temp, parts);
      } catch (error) {
        await this.#prune(key);
        // Someone removed an empty folder between our making it and linking into it.
        if (round === PLACE_TRIES || !isErrno(error, "ENOENT")) throw error;
      }
    }
  }

  async #linkOnce(temp: string, parts: KeyParts): Promise<Linked | null> {
    const made: string[] = [];
    const folder = await makeFolders(this.#root, parts.folders, (folderKey) => made.push(folderKey));
    for (const folderKey of made) await this.#journal.recordFolder(folderKey, "made");
    const names = await this.#names.of(folder);
    for (const name of candidateNames(parts.name)) {
      if (names.has(foldKey(name))) continue;
      try {
        await link(temp, join(folder, name));
      } catch (error) {
        if (isErrno(error, "EEXIST")) continue;
        throw error;
      }
      await this.#names.added(folder, name);
      return { key: keyOf(parts, name), folders: parts.folders, made: made.length };
    }
    return null;
  }

  /** The folder of the new name, and the parents of the folders that are new themselves. */
  async #sync({ folders, made }: Linked): Promise<void> {
    for (let depth = folders.length; depth >= folders.length - made; depth--) {
      const handle = await open(join(this.#root, ...folders.slice(0, depth)), "r");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
}

function keyOf(parts: KeyParts, name: string): string {
  return [...parts.folders, name].join("/");
}

/**
 * Gives a finished temp file its name, and a named one another: `link` never overwrites, unlike `rename`. A rename is done in
 * steps, each of which can be the last before a kill:
 *
 * 1. `link` to the new name, synced;  the file has two names: a repeat goes on from here
 * 2. the old name goes, synced;       a repeat finds the file under the new one
 * 3. folders that are empty now go
 */
import type { BigIntStats } from "node:fs";
import { link, lstat, open, readdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { foldKey } from "../../../shared/names.ts";
import { isErrno } from "./errno.ts";
import { FoldedNames } from "./folded-names.ts";
import type { Journal } from "./journal.ts";
import { PLACE_TRIES } from "./limits.ts";
import { findFolder, type KeyParts, makeFolders, readOnlyFolder, splitKey } from "./paths.ts";
import { dropName, fileBearing, isOther, secondName } from "./relink.ts";
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
    const linked = await this.inTurn(() => this.#link(temp, key));
    if (linked !== null) await this.#sync(linked);
    return linked?.key ?? null;
  }

  /**
   * A folder of the key's in which nothing can be made, as a key; null: there is none.
   *
   * @throws BadKeyError
   */
  readOnlyFolder(key: string): Promise<string | null> {
    return readOnlyFolder(this.#root, splitKey(key).folders);
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
    return this.inTurn(() => this.#prune(key));
  }

  /**
   * Moves the file with this ETag to another key; `gone`: it lies under neither. All of it in one turn, syncs included: between
   * its two names nobody may take the file for one that is settled.
   *
   * @throws BadKeyError
   */
  rename(from: string, to: string, etag: string): Promise<"renamed" | "taken" | "gone"> {
    return this.inTurn(() => this.#rename(from, to, etag));
  }

  /** Alone among those who give and take names. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
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

  async #makeFolders(folders: string[]): Promise<{ folder: string; made: number }> {
    const made: string[] = [];
    const folder = await makeFolders(this.#root, folders, (folderKey) => made.push(folderKey));
    for (const folderKey of made) await this.#journal.recordFolder(folderKey, "made");
    return { folder, made: made.length };
  }

  async #linkOnce(temp: string, parts: KeyParts): Promise<Linked | null> {
    const { folder, made } = await this.#makeFolders(parts.folders);
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
      return { key: keyOf(parts, name), folders: parts.folders, made };
    }
    return null;
  }

  async #rename(from: string, to: string, etag: string): Promise<"renamed" | "taken" | "gone"> {
    const [source, target] = [splitKey(from), splitKey(to)];
    for (let round = 1; ; round++) {
      try {
        const outcome = await this.#renameOnce(source, target, etag);
        await this.#prune(outcome === "renamed" ? from : to);
        return outcome;
      } catch (error) {
        await this.#prune(to);
        // As in #link; or the file went under our hands, which the next round finds.
        if (round === PLACE_TRIES || !isErrno(error, "ENOENT")) throw error;
      }
    }
  }

  async #renameOnce(source: KeyParts, target: KeyParts, etag: string): Promise<"renamed" | "taken" | "gone"> {
    const old = await fileBearing(this.#root, source, etag);
    if (old === null) {
      const done = await fileBearing(this.#root, target, etag);
      if (done === null) return "gone";
      // An answer was lost, perhaps before the syncs.
      await this.#syncAll(target.folders);
      if ((await findFolder(this.#root, source.folders)) !== null) await this.#syncFolder(source.folders);
      return "renamed";
    }
    const { folder } = await this.#makeFolders(target.folders);
    const path = join(folder, target.name);
    if (await this.#takenByOther(folder, target.name, old.stats)) return "taken";
    try {
      const outcome = await secondName(old, path, etag);
      if (outcome === "taken" || outcome === "gone") return outcome;
      await this.#syncAll(target.folders);
      if (outcome === "linked") await dropName(old, path);
      await this.#syncFolder(source.folders);
      return "renamed";
    } finally {
      this.#names.forget(folder);
      this.#names.forget(dirname(old.path));
    }
  }

  /** Another file bears the name, or one that a file system without case takes for it. The file's own names do not count. */
  async #takenByOther(folder: string, name: string, own: BigIntStats): Promise<boolean> {
    const folded = foldKey(name);
    if (!(await this.#names.of(folder)).has(folded)) return false;
    for (const each of await readdir(folder)) {
      if (foldKey(each) === folded && (await isOther(join(folder, each), own))) return true;
    }
    return false;
  }

  /** A killed rename may have made any of the folders. */
  #syncAll(folders: string[]): Promise<void> {
    return this.#sync({ folders, made: folders.length });
  }

  /** The folder of the new name, and the parents of the folders that are new themselves. */
  async #sync({ folders, made }: Pick<Linked, "folders" | "made">): Promise<void> {
    for (let depth = folders.length; depth >= folders.length - made; depth--) {
      await this.#syncFolder(folders.slice(0, depth));
    }
  }

  async #syncFolder(folders: string[]): Promise<void> {
    const handle = await open(join(this.#root, ...folders), "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function keyOf(parts: KeyParts, name: string): string {
  return [...parts.folders, name].join("/");
}

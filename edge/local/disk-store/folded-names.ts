/**
 * The names in a folder, compared as a file system that ignores case would. Reading a folder of 100,000 files takes
 * tens of milliseconds, so the sets of the folders used last are kept for as long as the folder's mtime stands still.
 */
import { readdir, stat } from "node:fs/promises";
import { foldKey } from "../../../shared/names.ts";
import { FOLDED_FOLDERS_KEPT } from "./limits.ts";

interface Known {
  /** Inode and mtime of the folder when it was read. */
  version: string;
  names: Set<string>;
}

export class FoldedNames {
  readonly #folders = new Map<string, Known>();

  /** Folded names of everything in the folder. */
  async of(folder: string): Promise<ReadonlySet<string>> {
    const version = await versionOf(folder);
    const known = this.#folders.get(folder);
    this.#folders.delete(folder);
    if (known?.version === version) {
      this.#folders.set(folder, known);
      return known.names;
    }
    const names = new Set((await readdir(folder)).map(foldKey));
    this.#keep(folder, { version, names });
    return names;
  }

  /**
   * We linked a name ourselves. A file that someone else made in the same instant is then missing from the set: an
   * equal name is still refused by `link`, only one in another case would pass.
   */
  async added(folder: string, name: string): Promise<void> {
    const known = this.#folders.get(folder);
    if (known === undefined) return;
    known.names.add(foldKey(name));
    known.version = await versionOf(folder);
  }

  /** Names went as well as came: the folder is read anew when somebody asks. */
  forget(folder: string): void {
    this.#folders.delete(folder);
  }

  #keep(folder: string, known: Known): void {
    this.#folders.set(folder, known);
    if (this.#folders.size <= FOLDED_FOLDERS_KEPT) return;
    const oldest = this.#folders.keys().next();
    if (!oldest.done) this.#folders.delete(oldest.value);
  }
}

async function versionOf(folder: string): Promise<string> {
  const { ino, mtimeNs } = await stat(folder, { bigint: true });
  return `${ino}-${mtimeNs}`;
}

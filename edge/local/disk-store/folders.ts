/**
 * Folders as people see them: listed page by page, made, moved, taken away. A symbolic link is never followed, and nothing
 * that is hidden is told of: names that begin with `.` or `_`, and at the top those with `@`, the roots of other accounts.
 */
import { lstat, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { foldKey } from "../../../shared/names.ts";
import type { ListAnswer, MakeFolderAnswer, MoveFolderAnswer } from "../../storage/disk-wire.ts";
import { absentAsNull, needDownloads } from "./absent.ts";
import { etagOf } from "./etag.ts";
import type { Journal } from "./journal.ts";
import { canBeKey, findFolder, isPlainFolder, makeFolders, splitFolderKey } from "./paths.ts";
import { permanentFault } from "./permanent-fault.ts";
import type { Places } from "./place.ts";

type Listing = NonNullable<ListAnswer>;
/** Entries of a folder looked at in parallel. */
const LOOKS_AT_ONCE = 32;

export class Folders {
  readonly #root: string;
  readonly #journal: Journal;
  readonly #places: Places;

  constructor(root: string, journal: Journal, places: Places) {
    this.#root = root;
    this.#journal = journal;
    this.#places = places;
  }

  /** Names by their UTF-8 bytes, as SQLite compares them. Null: no such folder, or one behind a link. */
  async list(key: string, after: string | null, limit: number): Promise<ListAnswer> {
    await needDownloads(this.#root);
    const folder = await findFolder(this.#root, splitFolderKey(key));
    const names = folder === null ? null : await absentAsNull(() => readdir(folder));
    if (folder === null || names === null) return null;
    const from = after === null ? null : Buffer.from(after);
    const known = names
      .filter((name) => isShown(name, key === "") && canBeKey(name))
      .map((name) => ({ name, bytes: Buffer.from(name) }))
      .filter(({ bytes }) => from === null || Buffer.compare(bytes, from) > 0)
      .sort((one, other) => Buffer.compare(one.bytes, other.bytes));
    const page = known.slice(0, limit).map(({ name }) => name);
    const entries: Listing["entries"] = [];
    for (let at = 0; at < page.length; at += LOOKS_AT_ONCE) {
      const looked = await Promise.all(page.slice(at, at + LOOKS_AT_ONCE).map((name) => look(folder, name)));
      entries.push(...looked.filter((entry) => entry !== null));
    }
    return { entries, next: known.length > limit ? (page.at(-1) ?? null) : null };
  }

  /** With its parents. It is not one of those that we remove when they are empty. */
  make(key: string): Promise<MakeFolderAnswer> {
    return this.#places.inTurn(() => ended<MakeFolderAnswer>(() => this.#make(splitFolderKey(key))));
  }

  async #make(folders: string[]): Promise<MakeFolderAnswer> {
    await needDownloads(this.#root);
    // Behind a link nothing is looked at: it is refused below.
    const parent = await findFolder(this.#root, folders.slice(0, -1));
    if (parent !== null && (await isTaken(join(this.#root, ...folders)))) return { kind: "taken" };
    const made: string[] = [];
    await makeFolders(this.#root, folders, (key) => made.push(key));
    for (const key of made) {
      if (this.#journal.madeFolder(key)) await this.#journal.recordFolder(key, "unmade");
      await sync(dirname(join(this.#root, key)));
    }
    return { kind: "made" };
  }

  move(from: string, to: string): Promise<MoveFolderAnswer> {
    return this.#places.inTurn(() => ended<MoveFolderAnswer>(() => this.#move(from, to)));
  }

  async #move(from: string, to: string): Promise<MoveFolderAnswer> {
    await needDownloads(this.#root);
    const [source, target] = [splitFolderKey(from), splitFolderKey(to)];
    const old = await findFolder(this.#root, source);
    const parent = await findFolder(this.#root, target.slice(0, -1));
    const path = join(this.#root, ...target);
    if (old === null) {
      // Moved before: the answer was lost.
      const there = parent !== null && (await isPlainFolder(path));
      return { kind: there ? "moved" : "gone" };
    }
    if (parent === null || to.startsWith(`${from}/`)) return { kind: "refused", code: "bad_key" };
    if (await isTaken(path, old)) return { kind: "taken" };
    await rename(old, path);
    await sync(parent);
    await sync(dirname(old));
    for (const made of this.#journal.madeWithin(from)) {
      await this.#journal.recordFolder(made, "unmade");
      await this.#journal.recordFolder(to + made.slice(from.length), "made");
    }
    return { kind: "moved" };
  }

  /** Takes away up to so many files and folders; true: nothing is left. */
  clear(key: string, limit: number): Promise<boolean> {
    return this.#places.inTurn(async () => {
      await needDownloads(this.#root);
      const folders = splitFolderKey(key);
      const folder = folders.length === 0 ? null : await findFolder(this.#root, folders);
      if (folder !== null && (await removeWithin(folder, limit)) < 0) return false;
      for (const made of this.#journal.madeWithin(key)) await this.#journal.recordFolder(made, "unmade");
      return true;
    });
  }
}

function isShown(name: string, atTop: boolean): boolean {
  return !/^[._]/.test(name) && !(atTop && name.startsWith("@"));
}

/** Null: gone meanwhile, or neither a plain file nor a folder. */
async function look(folder: string, name: string): Promise<Listing["entries"][number] | null> {
  const stats = await absentAsNull(() => lstat(join(folder, name), { bigint: true }));
  if (stats === null || !(stats.isFile() || stats.isDirectory())) return null;
  const times = { mtime: Number(stats.mtimeMs), ctime: Number(stats.ctimeMs) };
  if (stats.isDirectory()) return { name, kind: "dir", size: 0, etag: "", ...times };
  return { name, kind: "file", size: Number(stats.size), etag: etagOf(stats), ...times };
}

/** Something bears the name, or one that a file system without case takes for it; `own` may be spelled anew. */
async function isTaken(path: string, own?: string): Promise<boolean> {
  const folder = dirname(path);
  const folded = foldKey(path);
  const names = (await absentAsNull(() => readdir(folder))) ?? [];
  return names.map((name) => join(folder, name)).some((each) => each !== own && foldKey(each) === folded);
}

/** How much of the budget is left; below 0: it was not enough. Links are removed, not what they lead to. */
async function removeWithin(folder: string, budget: number): Promise<number> {
  let left = budget;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (left <= 0) return -1;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      left = await removeWithin(path, left);
      if (left < 0) return -1;
    } else {
      await absentAsNull(() => unlink(path));
      left--;
    }
  }
  if (left <= 0) return -1;
  await absentAsNull(() => rmdir(folder));
  return left - 1;
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A fault that no repeat can cure is an answer. */
async function ended<Answer>(work: () => Promise<Answer>): Promise<Answer | { kind: "refused"; code: string }> {
  try {
    return await work();
  } catch (error) {
    const code = permanentFault(error);
    if (code === null) throw error;
    return { kind: "refused", code };
  }
}

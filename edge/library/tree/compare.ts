/**
 * Compares the tree with the disk, where people put, change and remove files by hand (library API 9.1). A store whose keys are
 * private has nothing to compare: there the rows are all there is.
 */
import { findRow, rowsBetween, type TreeRow } from "../../db/tree.ts";
import { dropUnseen, noteSeen, type SeenEntry } from "../../db/tree-changes.ts";
import type { FolderEntry } from "../../storage/port.ts";
import { StoreError } from "../../storage/store-error.ts";
import type { Tree } from "./open-tree.ts";
import { joinPath } from "./tree-path.ts";

export interface Compared {
  /** Rows written and let go of. */
  changed: number;
  /** The name to go on after; null: the folder is through. */
  next: string | null;
}

const NOTHING: Compared = { changed: 0, next: null };

/** One page of a folder, `""` for the root. */
export async function compareFolder(tree: Tree, folder: string, after: string | null): Promise<Compared> {
  const { db, store, account, prefix } = tree;
  if (store.folders === undefined) return NOTHING;
  const lookedAt = Date.now();
  const listed = await store.folders.list((prefix + folder).replace(/\/$/, ""), after);
  if (listed === null && folder !== "") {
    await dropUnseen(db, account, folder, lookedAt).run();
    return NOTHING;
  }
  // An account without files has no folder of its own on the disk.
  const page = listed ?? { entries: [], next: null };
  const known = new Map((await rowsBetween(db, account, folder, after, page.next)).map((row) => [row.name, row]));
  const seen = page.entries
    // Of the first account these are the roots of the others; of any other, no key can begin so.
    .filter((entry) => folder !== "" || !entry.name.startsWith("@"))
    .filter((entry) => differs(known.get(entry.name), entry))
    .map((entry) => seenEntry(tree, joinPath(folder, entry.name), entry));
  const there = new Set(page.entries.map((entry) => entry.name));
  const gone = [...known.values()].filter(({ name }) => !there.has(name));
  const changes = [
    ...(seen.length > 0 ? [noteSeen(db, account, seen, lookedAt)] : []),
    ...gone.map(({ path }) => dropUnseen(db, account, path, lookedAt)),
  ];
  if (changes.length > 0) await db.batch(changes);
  return { changed: changes.length === 0 ? 0 : seen.length + gone.length, next: page.next };
}

/** What the tree says of this path, after a look at the disk where there is one. Null: nothing is there. */
export async function lookAt(tree: Tree, path: string): Promise<TreeRow | null> {
  const row = await findRow(tree.db, tree.account, path);
  if (path === "" || row?.moving_to != null || !(await isOld(tree, path, row))) return row;
  return findRow(tree.db, tree.account, path);
}

/** Compares one path; true: its row was changed. */
async function isOld(tree: Tree, path: string, row: TreeRow | null): Promise<boolean> {
  const { db, store, account, prefix } = tree;
  if (store.folders === undefined) return false;
  const lookedAt = Date.now();
  const head = await store.head(prefix + path).catch(badKeyAsNull);
  if (head !== null) {
    if (row?.kind === "file" && row.etag === head.etag) return false;
    const { size, etag, lastModified: mtime } = head;
    const entry = seenEntry(tree, path, { kind: "file", size, etag, mtime, ctime: mtime });
    await noteSeen(db, account, [entry], lookedAt).run();
    return true;
  }
  if (row?.kind === "file") {
    await dropUnseen(db, account, path, lookedAt).run();
    return true;
  }
  // A folder, or nothing: its own folder tells.
  if (row === null && !(await isFolder(tree, path))) return false;
  if (row === null) {
    const entry = seenEntry(tree, path, { kind: "dir", size: 0, etag: "", mtime: lookedAt, ctime: lookedAt });
    await noteSeen(db, account, [entry], lookedAt).run();
  } else if (await isFolder(tree, path)) return false;
  else await dropUnseen(db, account, path, lookedAt).run();
  return true;
}

async function isFolder({ store, prefix }: Tree, path: string): Promise<boolean> {
  return (await store.folders?.list(prefix + path, null).catch(badKeyAsNull)) != null;
}

/** No key of the store's: nothing of ours can be there. */
function badKeyAsNull(error: unknown): null {
  if (error instanceof StoreError && error.code === "bad_key") return null;
  throw error;
}

function differs(row: TreeRow | undefined, entry: FolderEntry): boolean {
  if (row === undefined) return true;
  if (row.moving_to !== null) return false;
  return row.kind !== entry.kind || (entry.kind === "file" && row.etag !== entry.etag);
}

function seenEntry({ prefix }: Tree, path: string, entry: Omit<FolderEntry, "name">): SeenEntry {
  const { kind, size, etag, mtime, ctime } = entry;
  return { path, kind, size, etag, mtime, ctime, store_key: prefix + path };
}

/** A folder that was asked for and its first page, as it is now; null: there is no such folder. */
export async function freshFolder(tree: Tree, folder: string): Promise<TreeRow | "root" | null> {
  await compareFolder(tree, folder, null).catch((error: unknown) => {
    // It was a file, or cannot be one; or the disk is away, and the rows are what there is.
    if (!(error instanceof StoreError)) throw error;
  });
  if (folder === "") return "root";
  return (await findRow(tree.db, tree.account, folder)) ?? lookAt(tree, folder);
}

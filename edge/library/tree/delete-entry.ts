/** Takes a file or a folder away (library API 9.5). */
import { askErasure, markFilesDeleted } from "../../db/file-erasure.ts";
import { deliveredWithin, type TreeRow } from "../../db/tree.ts";
import { dropRows } from "../../db/tree-changes.ts";
import { freeNames } from "../../sweep/free-names.ts";
import type { TreeChange } from "./change-tree.ts";
import { lookAt } from "./compare.ts";

/** Files of jobs that are erased while the client waits; the sweep takes the others. */
const MAX_ERASED_AT_ONCE = 200;
const FILES_PER_PAGE = 200;
/** A file that is written into while it is deleted is looked at again so often. */
const DELETE_TRIES = 3;

/**
 * A job's file goes the way of docs/decisions/028: noted, then its bytes, as far as they are ours, then its name. Its record
 * stays.
 *
 * @throws StoreError, after which the sweep goes on with files of jobs.
 */
export async function deleteEntry(change: TreeChange, row: TreeRow): Promise<void> {
  if (row.kind === "dir") return deleteFolder(change, row);
  if (row.file_id !== null) return erase(change, [row]);
  const { tree } = change;
  for (let now: TreeRow | null = row, tries = 0; now?.kind === "file" && tries < DELETE_TRIES; tries++) {
    if (await tree.store.delete(now.store_key ?? "", now.etag ?? "")) break;
    now = await lookAt(tree, row.path);
  }
  await dropRows(tree.db, tree.account, row.path);
}

/** Rows first, then objects. What lies in it beside what the tree knows goes too: it is the folder that is deleted. */
async function deleteFolder(change: TreeChange, row: TreeRow): Promise<void> {
  const { db, account, store, prefix } = change.tree;
  const first = await deliveredWithin(db, account, row.path, "", FILES_PER_PAGE);
  for (let page = first; page.length > 0; ) {
    await askErasure(db, idsOf(page), Date.now());
    const last = page.at(-1);
    page =
      last === undefined || page.length < FILES_PER_PAGE
        ? []
        : await deliveredWithin(db, account, row.path, last.path, FILES_PER_PAGE);
  }
  await dropRows(db, account, row.path);
  await erase(change, first.slice(0, MAX_ERASED_AT_ONCE));
  await store.folders?.clear(prefix + row.path);
}

async function erase({ env, log, tree }: TreeChange, rows: readonly TreeRow[]): Promise<void> {
  if (rows.length === 0) return;
  const ids = idsOf(rows);
  await askErasure(tree.db, ids, Date.now());
  for (const { store_key, etag } of rows) await tree.store.delete(store_key ?? "", etag ?? "");
  const now = Date.now();
  // Their rows of the tree go with this.
  await markFilesDeleted(tree.db, ids, now);
  await freeNames(env, log, ids, now);
}

function idsOf(rows: readonly TreeRow[]): string[] {
  return rows.flatMap(({ file_id }) => file_id ?? []);
}

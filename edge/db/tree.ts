/** Reads of the file tree (library API 9.1). Nothing of it is counted or kept elsewhere: every answer is that of its rows. */
import { contentTypeSql } from "../library/tree/file-types.ts";
import { joinPath } from "../library/tree/tree-path.ts";

/** One file or folder. */
export interface TreeRow {
  path: string;
  parent: string;
  name: string;
  kind: "file" | "dir";
  size: number;
  /** Unix milliseconds. */
  mtime: number;
  ctime: number;
  /** Of files. */
  etag: string | null;
  store_key: string | null;
  /** Null: put there by hand. */
  file_id: string | null;
  job_id: string | null;
  mime: string | null;
  kept: number;
  noted_at: number;
  moving_to: string | null;
  hidden: number;
}

const COLUMNS =
  "path, parent, name, kind, size, mtime, ctime, etag, store_key, file_id, job_id, mime, kept, noted_at, moving_to, hidden";

/** A row and all that is below it, of `?1` account and `?2` path. `0` is the character after `/`. By primary key. */
export const WITHIN = "account_id = ?1 AND (path = ?2 OR (path > ?2 || '/' AND path < ?2 || '0'))";

/** By primary key. */
export function findRow(db: D1Database, account: string, path: string): Promise<TreeRow | null> {
  return db
    .prepare(`SELECT ${COLUMNS} FROM tree WHERE account_id = ? AND path = ?`)
    .bind(account, path)
    .first<TreeRow>();
}

/** By primary key; in no order. */
export async function findRows(db: D1Database, account: string, paths: readonly string[]): Promise<TreeRow[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM tree WHERE account_id = ? AND path IN (SELECT value FROM json_each(?))`)
    .bind(account, JSON.stringify(paths))
    .all<TreeRow>();
  return results;
}

export type TreeSort = "name" | "size" | "date" | "type";

export interface FolderQuery {
  account: string;
  folder: string;
  /** Part of the name, any case; empty: all. */
  search: string;
}

const ORDERS: Readonly<Record<TreeSort, (direction: string) => string>> = {
  name: (direction) => `name COLLATE NOCASE ${direction}, path ${direction}`,
  size: (direction) => `size ${direction}, name COLLATE NOCASE, path`,
  date: (direction) => `mtime ${direction}, name COLLATE NOCASE, path`,
  type: (direction) => `${contentTypeSql("name")} ${direction}, name COLLATE NOCASE, path`,
};

/**
 * What of a folder matches: SQLite lowers ASCII alone, so each other letter of the search is lowered by a `replace` of its
 * own. (LIKE and GLOB would do it by patterns, of which D1 takes 50 bytes.)
 */
function matching({ account, folder, search }: FolderQuery): { where: string; values: string[] } {
  const where = "account_id = ? AND parent = ? AND hidden = 0";
  if (search === "") return { where, values: [account, folder] };
  const needle = search.toLowerCase();
  const letters = [...new Set(needle)].filter((letter) => letter > "\x7f" && letter.toUpperCase() !== letter);
  const known = letters.slice(0, MAX_LOWERED_LETTERS).filter((letter) => [...letter.toUpperCase()].length === 1);
  const name = known.reduce((text) => `replace(${text}, ?, ?)`, "lower(name)");
  return {
    where: `${where} AND instr(${name}, ?) > 0`,
    values: [account, folder, ...known.flatMap((letter) => [letter.toUpperCase(), letter]), needle],
  };
}
/** Two bound values each, of the hundred that D1 takes. */
const MAX_LOWERED_LETTERS = 40;

/** Uses tree_folder(account_id, parent): as many rows are read as the folder has. */
export async function countFolder(db: D1Database, query: FolderQuery): Promise<number> {
  const { where, values } = matching(query);
  const row = await db
    .prepare(`SELECT count(*) AS n FROM tree INDEXED BY tree_folder WHERE ${where}`)
    .bind(...values)
    .first<{ n: number }>();
  return row?.n ?? 0;
}

/** A page of a folder. By name it is read off tree_folder(account_id, parent, name); the other orders sort the folder. */
export async function listFolder(
  db: D1Database,
  query: FolderQuery & { sort: TreeSort; descending: boolean; limit: number; offset: number },
): Promise<TreeRow[]> {
  const { where, values } = matching(query);
  const order = ORDERS[query.sort](query.descending ? "DESC" : "ASC");
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM tree INDEXED BY tree_folder WHERE ${where} ORDER BY ${order} LIMIT ? OFFSET ?`)
    .bind(...values, query.limit, query.offset)
    .all<TreeRow>();
  return results;
}

/** A folder's own rows after one name and up to another (null: its end), hidden ones left out. By primary key. */
export async function rowsBetween(
  db: D1Database,
  account: string,
  folder: string,
  after: string | null,
  last: string | null,
): Promise<TreeRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM tree WHERE account_id = ? AND path > ? AND path <= ? AND parent = ? AND hidden = 0`,
    )
    .bind(account, joinPath(folder, after ?? ""), joinPath(folder, last ?? "\u{10ffff}"), folder)
    .all<TreeRow>();
  return results;
}

/** What files of a folder begin with. */
export interface NameStart {
  folder: string;
  start: string;
}

/** Files whose names begin so, each list in the order of paths. By primary key, a range of it for each. */
export async function filesBeginning(
  db: D1Database,
  account: string,
  starts: readonly NameStart[],
): Promise<TreeRow[][]> {
  const found: TreeRow[][] = starts.map(() => []);
  const asked = starts.map(({ folder, start }) => ({ folder, start: joinPath(folder, start) }));
  const { results } = await db
    .prepare(
      `SELECT s.key AS at, ${COLUMNS.split(", ")
        .map((column) => `t.${column}`)
        .join(", ")}
       FROM json_each(?2) s CROSS JOIN tree t
       WHERE t.account_id = ?1 AND t.path >= s.value ->> 'start' AND t.path < (s.value ->> 'start') || ?3
         AND t.parent = s.value ->> 'folder' AND t.kind = 'file' AND t.hidden = 0
       ORDER BY s.key, t.path LIMIT ${MAX_SIBLINGS}`,
    )
    .bind(account, JSON.stringify(asked), "\u{10ffff}")
    .all<TreeRow & { at: number }>();
  for (const { at, ...row } of results) found[at]?.push(row);
  return found;
}
/** Of all that are asked for at once. */
const MAX_SIBLINGS = 20_000;

/** The folder after this one, in the order of paths, hidden ones left out; null: that was the last. By primary key. */
export async function folderAfter(db: D1Database, account: string, folder: string): Promise<string | null> {
  return db
    .prepare(
      "SELECT path FROM tree WHERE account_id = ? AND path > ? AND kind = 'dir' AND hidden = 0 ORDER BY path LIMIT 1",
    )
    .bind(account, folder)
    .first<string>("path");
}

/** A page of files that jobs delivered: the row itself, or what is below it, in the order of paths. By primary key. */
export async function deliveredWithin(
  db: D1Database,
  account: string,
  path: string,
  after: string,
  limit: number,
): Promise<TreeRow[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM tree WHERE ${WITHIN} AND path > ?3 AND file_id IS NOT NULL ORDER BY path LIMIT ?4`)
    .bind(account, path, after, limit)
    .all<TreeRow>();
  return results;
}

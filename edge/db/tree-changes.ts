/** Changes of the file tree besides those that come with jobs' files, which triggers make (migration 0033). */
import { parentOf, prefixesOf } from "../library/tree/tree-path.ts";
import { WITHIN } from "./tree.ts";

/** Something that lies on the disk. */
export interface SeenEntry {
  path: string;
  kind: "file" | "dir";
  size: number;
  etag: string;
  store_key: string;
  mtime: number;
  ctime: number;
}

/**
 * Notes what was seen. A file is a job's if it lies under that one's path with its ETag; one that is being erased is nobody's
 * any more, and is left out. Uses files_account_path(account_id, path).
 */
export function noteSeen(
  db: D1Database,
  account: string,
  entries: readonly SeenEntry[],
  at: number,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO tree (account_id, path, kind, size, mtime, ctime, etag, store_key, file_id, job_id, mime, kept, noted_at)
       SELECT ?1, e.path, e.kind, e.size, coalesce(f.created_at, e.mtime), coalesce(f.created_at, e.ctime),
         iif(e.kind = 'file', e.etag, NULL), iif(e.kind = 'file', e.store_key, NULL), f.file_id, f.job_id, f.content_type,
         e.kind = 'dir', ?3
       FROM (SELECT value ->> 'path' AS path, value ->> 'kind' AS kind, value ->> 'size' AS size, value ->> 'etag' AS etag,
           value ->> 'store_key' AS store_key, value ->> 'mtime' AS mtime, value ->> 'ctime' AS ctime
         FROM json_each(?2)) e
       LEFT JOIN files f ON f.account_id = ?1 AND f.path = e.path AND f.etag = e.etag AND f.deleted_at IS NULL
         AND f.target_id = 'managed'
       WHERE f.erase_at IS NULL
       ON CONFLICT (account_id, path) DO UPDATE SET kind = excluded.kind, size = excluded.size, mtime = excluded.mtime,
         ctime = excluded.ctime, etag = excluded.etag, store_key = excluded.store_key, file_id = excluded.file_id,
         job_id = excluded.job_id, mime = excluded.mime, kept = excluded.kept, noted_at = excluded.noted_at
       WHERE tree.moving_to IS NULL`,
    )
    .bind(account, JSON.stringify(entries), at);
}

/**
 * Lets go of what was not seen, with all below it. A row that is newer than the look, or on its way elsewhere, stays. By
 * primary key.
 */
export function dropUnseen(db: D1Database, account: string, path: string, lookedAt: number): D1PreparedStatement {
  return db
    .prepare(`DELETE FROM tree WHERE ${WITHIN} AND noted_at < ?3 AND moving_to IS NULL`)
    .bind(account, path, lookedAt);
}

/** A folder with its parents, where they are not known yet. */
export function noteFolders(
  db: D1Database,
  account: string,
  path: string,
  { kept, at }: { kept: boolean; at: number },
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO tree (account_id, path, kind, mtime, ctime, kept, noted_at)
       SELECT ?1, value, 'dir', ?4, ?4, ?3, ?4 FROM json_each(?2) WHERE true ON CONFLICT (account_id, path) DO NOTHING`,
    )
    .bind(account, JSON.stringify(prefixesOf(path)), Number(kept), at);
}

/** A folder and those above it, as far as nothing is in them and nobody made them. By primary key. */
function dropEmptied(db: D1Database, account: string, folder: string): D1PreparedStatement {
  return db
    .prepare(
      `DELETE FROM tree WHERE account_id = ?1 AND kind = 'dir' AND kept = 0 AND moving_to IS NULL
         AND path IN (SELECT value FROM json_each(?2))
         AND NOT EXISTS (SELECT 1 FROM tree below WHERE below.account_id = ?1
           AND below.path > tree.path || '/' AND below.path < tree.path || '0' AND (below.kind = 'file' OR below.kept = 1))`,
    )
    .bind(account, JSON.stringify(prefixesOf(folder)));
}

/** Rows alone: a folder and all below it. */
export async function dropRows(db: D1Database, account: string, path: string): Promise<void> {
  await db.prepare(`DELETE FROM tree WHERE ${WITHIN}`).bind(account, path).run();
}

/**
 * Notes of a row and all below it where they go, before anything moves. False: something is there already or on its way there,
 * or they are on their way themselves. By primary key and tree_moving(account_id, moving_to).
 */
export async function beginMove(
  db: D1Database,
  account: string,
  from: string,
  to: string,
  at: number,
): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `UPDATE tree SET moving_to = ?3 || substr(path, length(?2) + 1), noted_at = ?4
       WHERE ${WITHIN} AND moving_to IS NULL
         AND NOT EXISTS (SELECT 1 FROM tree there WHERE there.account_id = ?1 AND there.path = ?3)
         AND NOT EXISTS (SELECT 1 FROM tree other WHERE other.account_id = ?1 AND other.moving_to = ?3)`,
    )
    .bind(account, from, to, at)
    .run();
  return meta.changes > 0;
}

/** They stay where they are. */
export async function giveUpMove(db: D1Database, account: string, from: string): Promise<void> {
  await db.prepare(`UPDATE tree SET moving_to = NULL WHERE ${WITHIN}`).bind(account, from).run();
}

export interface Moved {
  account: string;
  from: string;
  to: string;
  /** What their keys in the store begin with; null: those are private, and stay. */
  prefix: string | null;
  at: number;
}

/**
 * The rows, the files' rows and the jobs' follow, in one transaction. What a look at the disk has noted at the new place
 * meanwhile is the same thing. By primary keys.
 */
export async function endMove(db: D1Database, { account, from, to, prefix, at }: Moved): Promise<void> {
  const moving = `${WITHIN} AND moving_to IS NOT NULL`;
  await db.batch([
    db
      .prepare(
        `UPDATE jobs SET media_key = t.moving_to FROM tree t
         WHERE t.account_id = ?1 AND (t.path = ?2 OR (t.path > ?2 || '/' AND t.path < ?2 || '0'))
           AND t.moving_to IS NOT NULL AND jobs.id = t.job_id AND jobs.media_key = t.path`,
      )
      .bind(account, from),
    db
      .prepare(
        `UPDATE files SET path = t.moving_to, store_key = iif(?3 IS NULL, files.store_key, ?3 || t.moving_to) FROM tree t
         WHERE t.account_id = ?1 AND (t.path = ?2 OR (t.path > ?2 || '/' AND t.path < ?2 || '0'))
           AND t.moving_to IS NOT NULL AND files.file_id = t.file_id`,
      )
      .bind(account, from, prefix),
    db
      .prepare(
        `DELETE FROM tree WHERE account_id = ?1 AND path IN (SELECT moving_to FROM tree WHERE ${moving})
           AND moving_to IS NULL AND file_id IS NULL`,
      )
      .bind(account, from),
    db
      .prepare(
        `UPDATE tree SET path = moving_to, store_key = iif(?3 IS NULL OR kind = 'dir', store_key, ?3 || moving_to),
           noted_at = ?4, moving_to = NULL
         WHERE ${moving}`,
      )
      .bind(account, from, prefix, at),
    noteFolders(db, account, parentOf(to), { kept: false, at }),
    dropEmptied(db, account, parentOf(from)),
  ]);
}

/** Moves that broke off, by the outermost row of each. Uses tree_moving: as many rows are read as are on their way. */
export async function brokenMoves(
  db: D1Database,
  before: number,
  limit: number,
): Promise<{ account_id: string; store_prefix: string; partition: string; path: string; moving_to: string }[]> {
  const { results } = await db
    .prepare(
      `SELECT t.account_id, a.store_prefix, a.partition, t.path, t.moving_to
       FROM tree t INDEXED BY tree_moving JOIN accounts a ON a.id = t.account_id
       WHERE t.moving_to IS NOT NULL AND t.noted_at < ?1
         AND NOT EXISTS (SELECT 1 FROM tree p WHERE p.account_id = t.account_id AND p.path = t.parent
           AND p.moving_to IS NOT NULL)
       ORDER BY t.noted_at LIMIT ?2`,
    )
    .bind(before, limit)
    .all<{ account_id: string; store_prefix: string; partition: string; path: string; moving_to: string }>();
  return results;
}

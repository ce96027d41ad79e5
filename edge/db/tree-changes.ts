/** Changes of the file tree besides those that come with jobs' files, which triggers make (migration 0033). */
import { prefixesOf } from "../library/tree/tree-path.ts";
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

/** Rows alone: a folder and all below it. */
export async function dropRows(db: D1Database, account: string, path: string): Promise<void> {
  await db.prepare(`DELETE FROM tree WHERE ${WITHIN}`).bind(account, path).run();
}

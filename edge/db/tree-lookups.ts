/** What a path may mean that is not in the file tree (library API 9.7). */
import type { FileRow } from "../partition/drain.ts";

/** The newest file in storage of the account's own under this key. Uses files_account_path(account_id, path). */
export function findOwnFile(db: D1Database, account: string, path: string): Promise<FileRow | null> {
  return db
    .prepare(
      `SELECT * FROM files WHERE account_id = ? AND path = ? AND target_id <> 'managed' AND deleted_at IS NULL
       ORDER BY created_at DESC LIMIT 1`,
    )
    .bind(account, path)
    .first<FileRow>();
}

/**
 * The path of a file of this folder whose name holds the id, the largest: what is beside a video is small.
 *
 * @param id with its brackets. Uses tree_folder(account_id, parent).
 */
export function sameVideo(db: D1Database, account: string, folder: string, id: string): Promise<string | null> {
  return db
    .prepare(
      `SELECT path FROM tree INDEXED BY tree_folder WHERE account_id = ? AND parent = ? AND kind = 'file' AND hidden = 0
         AND instr(name, ?) > 0 ORDER BY size DESC, path LIMIT 1`,
    )
    .bind(account, folder, id)
    .first<string>("path");
}

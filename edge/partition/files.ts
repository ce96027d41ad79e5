import type { FileRow } from "./drain.ts";
import type { Turn } from "./turn.ts";

/** Writes one file of a job: committed just now, or put back by a rebuild. */
export function insertFileRow(turn: Turn, file: FileRow): void {
  turn.sql.run(
    `INSERT INTO files (file_id, job_id, account_id, kind, language, path, store_key, target_id, size, content_type, sha256,
       etag, created_at, deleted_at, sealed_url, url_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    file.file_id,
    file.job_id,
    file.account_id,
    file.kind,
    file.language,
    file.path,
    file.store_key,
    file.target_id,
    file.size,
    file.content_type,
    file.sha256,
    file.etag,
    file.created_at,
    file.deleted_at,
    file.sealed_url,
    file.url_until,
  );
}

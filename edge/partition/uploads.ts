/** Uploads that the live attempt of a job has begun: one row a file, bound to the attempt's token. */
import type { FileKind } from "../../shared/contract/media.ts";
import { CONTENT_TYPES, type JobOptions } from "../../shared/contract/options.ts";
import { type LiveJob, parseReserved } from "./job-row.ts";
import type { Turn } from "./turn.ts";

/** Target id of files in the operator's own (managed) storage. */
export const MANAGED_TARGET = "managed";

export interface NewUpload {
  uploadId: string;
  token: string;
  kind: FileKind;
  language: string | null;
  partSize: number;
}

/** Where a file of this job will lie: its logical path and physical key, and the type it is served with. */
export function uploadTarget(
  turn: Turn,
  job: LiveJob,
  kind: FileKind,
  language: string | null,
): { path: string; storeKey: string; contentType: string } | null {
  const reserved = parseReserved(job);
  const account = turn.sql.get<{ store_prefix: string }>(
    "SELECT store_prefix FROM accounts WHERE id = ?",
    job.account_id,
  );
  if (reserved === null || account === undefined) return null;
  const options = JSON.parse(job.options) as JobOptions;
  const base = `${reserved.folder}/${reserved.stem}`;
  const [path, contentType] = sideFile(kind, base, language) ?? [reserved.key, CONTENT_TYPES[options.format]];
  return { path, storeKey: account.store_prefix + path, contentType };
}

function sideFile(kind: FileKind, base: string, language: string | null): [string, string] | null {
  switch (kind) {
    case "media":
      return null;
    case "subtitle":
      return [
        `${base}.${/^[A-Za-z0-9-]{1,35}$/.test(language ?? "") ? language : "und"}.vtt`,
        "text/vtt; charset=utf-8",
      ];
    case "thumbnail":
      return [`${base}.jpg`, "image/jpeg"];
    case "info":
      return [`${base}.info.json`, "application/json"];
  }
}

/** The upload that this token already began for a file, so that a repeated ticket request begins no second one. */
export function findUpload(
  turn: Turn,
  job: LiveJob,
  token: string,
  kind: FileKind,
  language: string | null,
): { uploadId: string; partSize: number; storeKey: string } | null {
  const row = turn.sql.get<{ upload_id: string; part_size: number; store_key: string }>(
    "SELECT upload_id, part_size, store_key FROM uploads WHERE job_id = ? AND token = ? AND kind = ? AND language IS ? AND doomed_at IS NULL",
    job.id,
    token,
    kind,
    language,
  );
  return row === undefined ? null : { uploadId: row.upload_id, partSize: row.part_size, storeKey: row.store_key };
}

/** Two requests for the same file at once begin two uploads: the first that is noted counts, the other is not taken. */
export function addUpload(
  turn: Turn,
  job: LiveJob,
  upload: NewUpload,
  target: { path: string; storeKey: string; contentType: string },
): void {
  if (findUpload(turn, job, upload.token, upload.kind, upload.language) !== null) return;
  turn.sql.run(
    `INSERT INTO uploads (upload_id, job_id, token, kind, language, path, store_key, content_type, part_size)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    upload.uploadId,
    job.id,
    upload.token,
    upload.kind,
    upload.language,
    target.path,
    target.storeKey,
    target.contentType,
    upload.partSize,
  );
}

export interface DoomedUpload {
  uploadId: string;
  targetId: string;
  storeKey: string;
  /** The object that a commit of this dead attempt already made, to be deleted. */
  committed: { storeKey: string; etag: string } | null;
}

// Uses upload_doomed(doomed_at).
export function doomedUploads(turn: Turn, limit: number): DoomedUpload[] {
  return turn.sql
    .all<{
      upload_id: string;
      store_key: string;
      committed_key: string | null;
      etag: string | null;
      target_id: string | null;
    }>(
      `SELECT u.upload_id, u.store_key, u.committed_key, u.etag, j.target_id FROM uploads u LEFT JOIN jobs j ON j.id = u.job_id
       WHERE u.doomed_at IS NOT NULL ORDER BY u.doomed_at LIMIT ?`,
      limit,
    )
    .map((row) => ({
      uploadId: row.upload_id,
      targetId: row.target_id ?? MANAGED_TARGET,
      storeKey: row.store_key,
      committed:
        row.committed_key === null || row.etag === null ? null : { storeKey: row.committed_key, etag: row.etag },
    }));
}

/** Between two looks at an upload that the store would not abort. */
const ABORT_RETRY_MS = 5_000;

/** The store has answered: nothing of this upload is left. */
export function forgetUpload(turn: Turn, uploadId: string): void {
  turn.sql.run("DELETE FROM uploads WHERE upload_id = ?", uploadId);
}

/** The store did not answer: it gets a moment. Absolute, so that no other call can put the next try off for ever. */
export function postponeAbort(turn: Turn, uploadId: string): void {
  turn.sql.run("UPDATE uploads SET doomed_at = ? WHERE upload_id = ?", turn.now + ABORT_RETRY_MS, uploadId);
}

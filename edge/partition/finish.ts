/** From `finishing` to the end: what the storage answered to the commits of the winning attempt. */
import type { FileKind, Manifest } from "../../shared/contract/media.ts";
import {
  COMMIT_RETRY_MAX_MS,
  COMMIT_RETRY_MIN_MS,
  FINISHING_LIMIT_MS,
  FINISHING_MIN_TRIES,
} from "../../shared/limits.ts";
import { doomUploads, failAttempt } from "./end.ts";
import { insertFileRow } from "./files.ts";
import { type LiveJob, parseManifest } from "./job-row.ts";
import { attemptRow, getJob, moveJob, patchJob } from "./move.ts";
import { markTaken, renameHeld } from "./names.ts";
import { getTarget, type StoreRef } from "./targets.ts";
import type { Turn } from "./turn.ts";
import { storeOf } from "./uploads.ts";

/** One file as the store has it now. */
export interface CommittedFile {
  uploadId: string;
  fileId: string;
  /** Physical key; it differs from the asked one where the disk store found a foreign file under the name. */
  storeKey: string;
  etag: string;
  size: number;
  sha256: string;
  /** Of inline storage, whose credentials are about to be erased. */
  url: { sealed: string; until: number } | null;
}

export interface PendingCommit {
  job: string;
  token: string;
  store: StoreRef;
  /** The store is this job's alone: its URLs are made now or never. */
  inline: boolean;
  files: {
    uploadId: string;
    kind: FileKind;
    storeKey: string;
    contentType: string;
    size: number;
    /** Null: the store counts it. */
    sha256: string | null;
    parts: Manifest["files"][number]["parts"];
    /** Set when an earlier try has committed this file already. */
    committed: { storeKey: string; etag: string; sha256: string } | null;
  }[];
}

interface UploadRow {
  upload_id: string;
  kind: FileKind;
  language: string | null;
  path: string;
  store_key: string;
  content_type: string;
  committed_key: string | null;
  etag: string | null;
  sha256: string | null;
}

// Uses upload_job(job_id).
function uploadsOf(turn: Turn, job: LiveJob): Map<string, UploadRow> {
  const rows = turn.sql.all<UploadRow>("SELECT * FROM uploads WHERE job_id = ? AND doomed_at IS NULL", job.id);
  return new Map(rows.map((row) => [row.upload_id, row]));
}

/** What to ask of the store for a job in `finishing`; null when there is nothing to do any more. */
export function pendingCommit(turn: Turn, id: string): PendingCommit | null {
  const job = getJob(turn, id);
  const manifest = job?.state === "finishing" ? parseManifest(job) : null;
  if (job === undefined || manifest === null || job.winner === null) return null;
  const uploads = uploadsOf(turn, job);
  const files = manifest.files.flatMap((file) => {
    const upload = uploads.get(file.upload_id);
    if (upload === undefined) return [];
    const { committed_key: storeKey, etag } = upload;
    const sha256 = upload.sha256 ?? file.sha256 ?? null;
    return [
      {
        uploadId: file.upload_id,
        kind: file.kind,
        storeKey: upload.store_key,
        contentType: upload.content_type,
        size: file.size,
        sha256,
        parts: file.parts,
        committed: storeKey === null || etag === null || sha256 === null ? null : { storeKey, etag, sha256 },
      },
    ];
  });
  const target = getTarget(turn.sql, job.target_id);
  return {
    job: id,
    token: job.winner,
    store: storeOf(job),
    inline: target !== undefined && target.sealed === null,
    files,
  };
}

/** Remembers one commit that succeeded, so that a retry of the others does not ask again. */
export function noteCommitted(
  turn: Turn,
  uploadId: string,
  { storeKey, etag, sha256 }: Pick<CommittedFile, "storeKey" | "etag" | "sha256">,
): void {
  turn.sql.run(
    "UPDATE uploads SET committed_key = ?, etag = ?, sha256 = ? WHERE upload_id = ?",
    storeKey,
    etag,
    sha256,
    uploadId,
  );
}

/** All files are in the store: one transaction makes the job `completed`, with its files, names and counters. */
export function committed(turn: Turn, id: string, files: readonly CommittedFile[]): LiveJob | null {
  const job = getJob(turn, id);
  const manifest = job?.state === "finishing" ? parseManifest(job) : null;
  if (job === undefined || manifest === null) return null;
  const uploads = uploadsOf(turn, job);
  let mediaKey: string | null = null;
  let mediaSize = 0;
  for (const file of files) {
    const upload = uploads.get(file.uploadId);
    if (upload === undefined) continue;
    const path = logicalKey(upload, file.storeKey);
    if (path !== upload.path) renameHeld(turn, job, upload.path, path);
    if (upload.kind === "media") {
      mediaKey = path;
      mediaSize = file.size;
    }
    insertFileRow(turn, {
      file_id: file.fileId,
      job_id: job.id,
      account_id: job.account_id,
      kind: upload.kind,
      language: upload.language,
      path,
      store_key: file.storeKey,
      target_id: job.target_id,
      size: file.size,
      content_type: upload.content_type,
      sha256: file.sha256,
      etag: file.etag,
      created_at: turn.now,
      deleted_at: null,
      sealed_url: file.url?.sealed ?? null,
      url_until: file.url?.until ?? null,
    });
  }
  const delivered = JSON.stringify(files.map((file) => file.uploadId));
  turn.sql.run("DELETE FROM uploads WHERE upload_id IN (SELECT value FROM json_each(?))", delivered);
  // What the attempt began and did not deliver.
  if (uploads.size > files.length) doomUploads(turn, job.id);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  turn.sql.run("UPDATE accounts SET bytes_used = bytes_used + ? WHERE id = ?", total, job.account_id);
  turn.figures.stored(total);
  return moveJob(
    turn,
    job,
    "completed",
    {
      progress: 100,
      media_key: mediaKey,
      file_size: mediaSize,
      telemetry: JSON.stringify(manifest.telemetry),
      effective: JSON.stringify(manifest.effective),
      commit_due: null,
      node_id: null,
      session: null,
    },
    { attempt: attemptRow(turn, job, { outcome: "completed", error: null }) },
  );
}

/** Undoes the account's prefix: the store may only have changed the last segment of what we asked for. */
function logicalKey(upload: UploadRow, storeKey: string): string {
  const prefix = upload.store_key.slice(0, upload.store_key.length - upload.path.length);
  return storeKey.startsWith(prefix) ? storeKey.slice(prefix.length) : upload.path;
}

export type CommitProblem =
  /** Ask again later. */
  | { kind: "unavailable"; code: string }
  /** The bytes are not what the manifest says, or the store refuses for good. */
  | { kind: "refused"; code: string; permanent: boolean; says?: string }
  /** A foreign object lies under the name. */
  | { kind: "taken" };

/** A commit did not succeed: later again, up to ten minutes in all; else the attempt failed with class *storage*. */
export function commitFailed(turn: Turn, id: string, problem: CommitProblem): LiveJob | null {
  const job = getJob(turn, id);
  if (job === undefined || job.state !== "finishing") return null;
  const since = job.finishing_since ?? turn.now;
  // An edge that slept has used up the time without having asked.
  const goesOn = turn.now - since < FINISHING_LIMIT_MS || job.commit_tries < FINISHING_MIN_TRIES;
  if (problem.kind === "unavailable" && goesOn) {
    const wait = Math.min(COMMIT_RETRY_MAX_MS, COMMIT_RETRY_MIN_MS * 2 ** job.commit_tries);
    return patchJob(turn, job, { commit_tries: job.commit_tries + 1, commit_due: turn.now + wait });
  }
  if (problem.kind === "taken") {
    markTaken(turn, job);
    // The next attempt reserves anew, with the next suffix.
    turn.sql.run("UPDATE jobs SET reserved = NULL WHERE id = ?", job.id);
  }
  const current = getJob(turn, id) ?? job;
  return failAttempt(turn, current, {
    class: "storage",
    message: `Upload failed: ${wordsOf(problem)}`,
    permanent: problem.kind === "refused" && problem.permanent,
    retryAfterMs: null,
  });
}

function wordsOf(problem: CommitProblem): string {
  if (problem.kind === "taken") return "name taken";
  return (problem.kind === "refused" ? problem.says : undefined) ?? problem.code;
}

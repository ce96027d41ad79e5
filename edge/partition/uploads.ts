/** Uploads that the live attempt of a job has begun: one row a file, bound to the attempt's token. */

import { contentTypeOf } from "../../shared/content-type.ts";
import type { FileKind } from "../../shared/contract/media.ts";
import { CONTENT_TYPES, type JobOptions } from "../../shared/contract/options.ts";
import { type LiveJob, parseReserved } from "./job-row.ts";
import { patchJob } from "./move.ts";
import { freeNames, keyBeside, reserveRendered } from "./names.ts";
import type { Sql } from "./sql.ts";
import { forgetIdleTargets, getTarget, MANAGED_TARGET, type StoreRef } from "./targets.ts";
import type { Turn } from "./turn.ts";

export interface NewUpload {
  uploadId: string;
  token: string;
  kind: FileKind;
  language: string | null;
  /** As `TicketRequest` has it. */
  name?: string | undefined;
  partSize: number;
}

/** Where a file of a job will lie. */
export interface UploadPlace {
  /** Logical path. */
  path: string;
  /** Physical key in the store. */
  storeKey: string;
  /** What it is served with. */
  contentType: string;
  store: StoreRef;
}

/** Null: the job's name is not reserved yet, or this is no file of it. `name`: as `TicketRequest` has it. */
export function uploadPlace(
  turn: Turn,
  job: LiveJob,
  kind: FileKind,
  language: string | null,
  name?: string,
): UploadPlace | null {
  const options = JSON.parse(job.options) as JobOptions;
  const file =
    options.library === undefined ? plainFile(job, options, kind, language) : renderedFile(turn, job, kind, name);
  const account = turn.sql.get<{ store_prefix: string }>(
    "SELECT store_prefix FROM accounts WHERE id = ?",
    job.account_id,
  );
  if (file === null || account === undefined) return null;
  // Own storage holds logical keys as they are; the prefix keeps accounts apart in ours.
  const storeKey = job.target_id === MANAGED_TARGET ? account.store_prefix + file.path : file.path;
  return { ...file, storeKey, store: storeOf(job) };
}

type NamedFile = Pick<UploadPlace, "path" | "contentType">;

function plainFile(job: LiveJob, options: JobOptions, kind: FileKind, language: string | null): NamedFile | null {
  const reserved = parseReserved(job);
  // Only where the operator wants it: a node cannot decide that.
  if (reserved === null || (kind === "info" && options.info_json !== true)) return null;
  if (kind === "media") return { path: reserved.key, contentType: CONTENT_TYPES[options.format] };
  return sideFile(kind, `${reserved.folder}/${reserved.stem}`, language);
}

/** The first ask for the media file reserves its name; another node's yt-dlp may have rendered another one. */
function renderedFile(turn: Turn, job: LiveJob, kind: FileKind, name: string | undefined): NamedFile | null {
  if (name === undefined) return null;
  const reserved = parseReserved(job);
  if (kind !== "media") {
    if (reserved === null) return null;
    const path = keyBeside(turn, job, reserved, name);
    return { path, contentType: contentTypeOf(path) };
  }
  if (reserved !== null && reserved.rendered === name)
    return { path: reserved.key, contentType: contentTypeOf(reserved.key) };
  freeNames(turn, job.id);
  const made = reserveRendered(turn, job, name);
  patchJob(turn, job, { reserved: JSON.stringify(made) });
  return { path: made.key, contentType: contentTypeOf(made.key) };
}

/** What opens the store of a live job. */
export function storeOf(job: Pick<LiveJob, "account_id" | "target_id" | "sealed">): StoreRef {
  return { account: job.account_id, targetId: job.target_id, sealed: job.sealed };
}

function sideFile(kind: Exclude<FileKind, "media">, base: string, language: string | null): NamedFile | null {
  switch (kind) {
    case "subtitle": {
      const tag = /^[A-Za-z0-9-]{1,35}$/.test(language ?? "") ? language : "und";
      return { path: `${base}.${tag}.vtt`, contentType: "text/vtt; charset=utf-8" };
    }
    case "thumbnail":
      return { path: `${base}.jpg`, contentType: "image/jpeg" };
    case "info":
      return { path: `${base}.info.json`, contentType: "application/json" };
    case "other":
      return null;
  }
}

/** The upload that this token already began for a file, so that a repeated ticket request begins no second one. */
export function findUpload(
  turn: Turn,
  job: LiveJob,
  token: string,
  kind: FileKind,
  language: string | null,
  name?: string,
): { uploadId: string; partSize: number; storeKey: string } | null {
  const row = turn.sql.get<{ upload_id: string; part_size: number; store_key: string }>(
    `SELECT upload_id, part_size, store_key FROM uploads
     WHERE job_id = ? AND token = ? AND kind = ? AND language IS ? AND name IS ? AND doomed_at IS NULL`,
    job.id,
    token,
    kind,
    language,
    name ?? null,
  );
  return row === undefined ? null : { uploadId: row.upload_id, partSize: row.part_size, storeKey: row.store_key };
}

/** An upload whose attempt still runs. Uses the primary key of uploads. */
export function liveUpload(sql: Sql, job: string, uploadId: string): { store: StoreRef; storeKey: string } | null {
  const row = sql.get<Pick<LiveJob, "account_id" | "target_id" | "sealed"> & { store_key: string }>(
    `SELECT j.account_id, j.target_id, j.sealed, u.store_key FROM uploads u JOIN jobs j ON j.id = u.job_id
     WHERE u.upload_id = ? AND u.job_id = ? AND u.doomed_at IS NULL AND j.state = 'running'`,
    uploadId,
    job,
  );
  return row === undefined ? null : { store: storeOf(row), storeKey: row.store_key };
}

/** Whether any upload of the job is under way: it is bound to its key. Uses upload_job(job_id). */
export function hasUploads(turn: Turn, job: LiveJob): boolean {
  return turn.sql.get("SELECT 1 AS x FROM uploads WHERE job_id = ? AND doomed_at IS NULL", job.id) !== undefined;
}

/**
 * Two requests for the same file at once begin two uploads: the first that is noted counts, the other is not taken. One
 * that was noted beforehand learns its part size.
 */
export function addUpload(turn: Turn, job: LiveJob, upload: NewUpload, place: UploadPlace): void {
  const known = findUpload(turn, job, upload.token, upload.kind, upload.language, upload.name);
  if (known !== null) {
    if (known.uploadId !== upload.uploadId || upload.partSize === 0) return;
    turn.sql.run("UPDATE uploads SET part_size = ? WHERE upload_id = ?", upload.partSize, upload.uploadId);
    return;
  }
  insertUpload(turn, job.id, upload, place, { account: job.account_id, targetId: job.target_id });
}

/** Whose store it is; of an upload that is doomed from the start also what opens it, and since when. */
interface UploadOwner {
  account: string;
  targetId: string;
  sealed?: string | null;
  doomedAt?: number;
}

function insertUpload(turn: Turn, job: string, upload: NewUpload, place: UploadPlace, owner: UploadOwner): void {
  turn.sql.run(
    `INSERT INTO uploads (upload_id, job_id, token, kind, language, name, path, store_key, content_type, part_size,
       account_id, target_id, sealed, doomed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    upload.uploadId,
    job,
    upload.token,
    upload.kind,
    upload.language,
    upload.name ?? null,
    place.path,
    place.storeKey,
    place.contentType,
    upload.partSize,
    owner.account,
    owner.targetId,
    owner.sealed ?? null,
    owner.doomedAt ?? null,
  );
}

export interface DoomedUpload {
  uploadId: string;
  store: StoreRef;
  storeKey: string;
  /** How often its store has been asked in vain. */
  tries: number;
  /** The object that a commit of this dead attempt already made, to be deleted. */
  committed: { storeKey: string; etag: string } | null;
}

interface DoomedRow {
  upload_id: string;
  account_id: string;
  target_id: string;
  sealed: string | null;
  store_key: string;
  committed_key: string | null;
  etag: string | null;
  abort_tries: number;
}

/** Those whose time has come. Uses upload_doomed(doomed_at). */
export function doomedUploads(turn: Turn, limit: number): DoomedUpload[] {
  return turn.sql
    .all<DoomedRow>("SELECT * FROM uploads WHERE doomed_at <= ? ORDER BY doomed_at LIMIT ?", turn.now, limit)
    .map((row) => ({
      uploadId: row.upload_id,
      store: { account: row.account_id, targetId: row.target_id, sealed: row.sealed },
      storeKey: row.store_key,
      tries: row.abort_tries,
      committed:
        row.committed_key === null || row.etag === null ? null : { storeKey: row.committed_key, etag: row.etag },
    }));
}

/** Between two looks at an upload that the store would not abort; doubles. */
const ABORT_RETRY_MS = 5_000;
const ABORT_RETRY_MAX_MS = 15 * 60_000;
/** About a day: a bucket of the client's own may be gone for good, and nobody would tell us. */
const ABORT_MAX_TRIES = 100;

/** A store may take minutes to join thousands of parts, and goes on when we have stopped waiting. */
const LOOK_AGAIN_MS = 10 * 60_000;

/**
 * An upload that was begun and stands with no attempt: its answer came after the attempt had ended, or two requests for the
 * same file began one each.
 */
export function addStrayUpload(turn: Turn, job: string, upload: NewUpload, place: UploadPlace): void {
  const { account, targetId, sealed } = place.store;
  const target = targetId === MANAGED_TARGET ? undefined : getTarget(turn.sql, targetId);
  const opens = target?.sealed === null ? sealed : null;
  insertUpload(turn, job, upload, place, { account, targetId, sealed: opens, doomedAt: turn.now });
  turn.effects.abort = true;
}

/** The store has answered that nothing of this upload is left. Where a commit was asked for, that is looked at once more. */
export function abortedUpload(turn: Turn, uploadId: string): void {
  const late = turn.sql.get("SELECT 1 AS x FROM uploads WHERE upload_id = ? AND look_again = 1", uploadId);
  if (late === undefined) {
    forgetUpload(turn, uploadId);
    return;
  }
  turn.sql.run(
    "UPDATE uploads SET look_again = 0, abort_tries = 0, doomed_at = ? WHERE upload_id = ?",
    turn.now + LOOK_AGAIN_MS,
    uploadId,
  );
}

/** Nothing more is to be done about this upload. */
export function forgetUpload(turn: Turn, uploadId: string): void {
  const row = turn.sql.get<{ target_id: string }>("SELECT target_id FROM uploads WHERE upload_id = ?", uploadId);
  turn.sql.run("DELETE FROM uploads WHERE upload_id = ?", uploadId);
  if (row !== undefined) forgetIdleTargets(turn.sql, [row.target_id]);
}

/** The store did not answer: it gets a moment. Absolute, so that no other call can put the next try off for ever. */
export function postponeAbort(turn: Turn, uploadId: string): void {
  const row = turn.sql.get<{ target_id: string; abort_tries: number }>(
    "SELECT target_id, abort_tries FROM uploads WHERE upload_id = ?",
    uploadId,
  );
  if (row === undefined) return;
  if (row.target_id !== MANAGED_TARGET && row.abort_tries >= ABORT_MAX_TRIES) {
    forgetUpload(turn, uploadId);
    return;
  }
  const wait = Math.min(ABORT_RETRY_MS * 2 ** Math.min(row.abort_tries, 10), ABORT_RETRY_MAX_MS);
  turn.sql.run(
    "UPDATE uploads SET doomed_at = ?, abort_tries = abort_tries + 1 WHERE upload_id = ?",
    turn.now + wait,
    uploadId,
  );
}

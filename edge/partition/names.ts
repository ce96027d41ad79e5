/** Names inside account + storage (jobs API 11.1): reserved for the job, not the attempt; free again when it fails. */
import type { JobOptions } from "../../shared/contract/options.ts";
import { foldKey, sanitiseFolder, sanitiseName, withSuffix } from "../../shared/names.ts";
import type { LiveJob, ReservedName } from "./job-row.ts";
import { MANAGED_TARGET, rootOf } from "./targets.ts";
import type { Turn } from "./turn.ts";

/** A key as its store compares it: the disk store ignores case, buckets do not. */
export function nameKey(targetId: string, key: string): string {
  return targetId === MANAGED_TARGET ? foldKey(key) : key;
}

/** Logical key of one file of a job: `<folder>/<stem>.<ext>`. */
function fileKey(name: Pick<ReservedName, "folder" | "stem">, extension: string): string {
  return `${name.folder}/${name.stem}.${extension}`;
}

/**
 * Reserves the job's name, the first free suffix of it: the plain name, else the highest known suffix + 1.
 * `reserved` of a former attempt stays, unless that name was found taken by a foreign object.
 */
export function reserveName(turn: Turn, job: LiveJob, options: JobOptions, title: string | null): ReservedName {
  const plain = sanitiseName(job.filename ?? "") || sanitiseName(title ?? "") || job.id;
  const inner = job.folder === null ? "" : sanitiseFolder(job.folder);
  const root = rootOf(turn, job.target_id);
  const folder = inner === "" ? root : `${root}/${inner}`;
  const extensions = reservedExtensions(options);
  const stemKey = nameKey(job.target_id, `${folder}/${plain}`);
  let suffix = 1;
  while (
    !extensions.every((extension) => isFree(turn, job, fileKey({ folder, stem: withSuffix(plain, suffix) }, extension)))
  ) {
    suffix = Math.max(suffix, highestSuffix(turn, job, stemKey)) + 1;
  }
  const stem = withSuffix(plain, suffix);
  for (const extension of extensions) {
    turn.sql.run(
      "INSERT INTO names (account_id, target_id, folded, stem, suffix, job_id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      job.account_id,
      job.target_id,
      nameKey(job.target_id, fileKey({ folder, stem }, extension)),
      stemKey,
      suffix,
      job.id,
    );
  }
  return { stem, suffix, folder, key: fileKey({ folder, stem }, options.format) };
}

/** A job's other files (subtitles) get what is free when they are committed. */
function reservedExtensions(options: JobOptions): string[] {
  return [options.format, ...(options.download_thumbnail ? ["jpg"] : [])];
}

/** All keys that a reservation holds. */
export function reservedKeys(options: JobOptions, name: Pick<ReservedName, "folder" | "stem">): string[] {
  return reservedExtensions(options).map((extension) => fileKey(name, extension));
}

// Uses the primary key of names.
function isFree(turn: Turn, job: LiveJob, key: string): boolean {
  const holder = turn.sql.get<{ job_id: string | null }>(
    "SELECT job_id FROM names WHERE account_id = ? AND target_id = ? AND folded = ?",
    job.account_id,
    job.target_id,
    nameKey(job.target_id, key),
  );
  return holder === undefined || holder.job_id === job.id;
}

// Uses name_stem(account_id, target_id, stem, suffix).
function highestSuffix(turn: Turn, job: LiveJob, stemKey: string): number {
  return (
    turn.sql.get<{ top: number | null }>(
      "SELECT max(suffix) AS top FROM names WHERE account_id = ? AND target_id = ? AND stem = ?",
      job.account_id,
      job.target_id,
      stemKey,
    )?.top ?? 1
  );
}

/** A foreign object lies under the job's name: the name stays taken, by nobody we know. */
export function markTaken(turn: Turn, job: LiveJob): void {
  turn.sql.run("UPDATE names SET job_id = NULL WHERE job_id = ?", job.id);
}

/** An object lies under one of the job's keys: that name is nobody's that we know, the next free one is the job's. */
export function passOver(turn: Turn, job: LiveJob, options: JobOptions, key: string): ReservedName {
  turn.sql.run(
    "UPDATE names SET job_id = NULL WHERE account_id = ? AND target_id = ? AND folded = ? AND job_id = ?",
    job.account_id,
    job.target_id,
    nameKey(job.target_id, key),
    job.id,
  );
  freeNames(turn, job.id);
  return reserveName(turn, job, options, job.title);
}

/**
 * The store linked the file under another name than the reserved one (disk: a foreign file was in the way). The reserved
 * name stays taken, by nobody we know. The new one is the job's from now on, even if another job had reserved it: that
 * one's file will be linked elsewhere in its turn.
 */
export function renameHeld(turn: Turn, job: LiveJob, from: string, to: string): void {
  const held = turn.sql.get<{ stem: string }>(
    "SELECT stem FROM names WHERE account_id = ? AND target_id = ? AND folded = ? AND job_id = ?",
    job.account_id,
    job.target_id,
    nameKey(job.target_id, from),
    job.id,
  );
  turn.sql.run(
    "UPDATE names SET job_id = NULL WHERE account_id = ? AND target_id = ? AND folded = ? AND job_id = ?",
    job.account_id,
    job.target_id,
    nameKey(job.target_id, from),
    job.id,
  );
  turn.sql.run(
    `INSERT INTO names (account_id, target_id, folded, stem, suffix, job_id) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (account_id, target_id, folded) DO UPDATE SET job_id = excluded.job_id`,
    job.account_id,
    job.target_id,
    nameKey(job.target_id, to),
    held?.stem ?? nameKey(job.target_id, to),
    suffixOf(to),
    job.id,
  );
}

export const NAME_SUFFIX = / \((\d{1,6})\)(?=\.[^./]+$)/;

/** The number in `name (2).mp4`; 1 without one. */
export function suffixOf(key: string): number {
  return Number(NAME_SUFFIX.exec(key)?.[1] ?? 1);
}

/** The job ended without files. */
export function freeNames(turn: Turn, jobId: string): void {
  turn.sql.run("DELETE FROM names WHERE job_id = ?", jobId);
}

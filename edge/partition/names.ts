/** Names inside account + storage (jobs API 11.1): reserved for the job, not the attempt; free again when it fails. */
import type { JobOptions } from "../../shared/contract/options.ts";
import { foldKey, sanitiseFolder, sanitiseName, withSuffix } from "../../shared/names.ts";
import { type LiveJob, parseReserved, type ReservedName } from "./job-row.ts";
import { MANAGED_TARGET, rootOf } from "./targets.ts";
import type { Turn } from "./turn.ts";

/** A key as its store compares it: the disk store ignores case, buckets do not. */
export function nameKey(targetId: string, key: string): string {
  return targetId === MANAGED_TARGET ? foldKey(key) : key;
}

/** Logical key of one file of a job: `<folder>/<stem>.<ext>`. */
function fileKey({ folder, stem }: Pick<ReservedName, "folder" | "stem">, extension: string): string {
  return join(folder, `${stem}.${extension}`);
}

/**
 * Reserves the job's name, the first free suffix of it: the plain name, else the highest known suffix + 1.
 * `reserved` of a former attempt stays, unless that name was found taken by a foreign object.
 */
export function reserveName(turn: Turn, job: LiveJob, options: JobOptions, title: string | null): ReservedName {
  const plain = sanitiseName(job.filename ?? "") || sanitiseName(title ?? "") || job.id;
  const folder = join(rootOf(turn, job.target_id), sanitiseFolder(job.folder ?? ""));
  const { stem, suffix } = holdStem(turn, job, { folder, plain, extensions: reservedExtensions(options) });
  return { stem, suffix, folder, key: fileKey({ folder, stem }, options.format) };
}

/**
 * The same for a path that yt-dlp has made of an output template (library API 3.6): below the item's folder, which lies at
 * the root of managed storage.
 */
export function reserveRendered(turn: Turn, job: LiveJob, rendered: string): ReservedName {
  const { folder, plain, extension } = placeRendered(turn, job, rendered);
  const { stem, suffix } = holdStem(turn, job, { folder, plain, extensions: [extension] });
  return { stem, suffix, folder, key: fileKey({ folder, stem }, extension), rendered };
}

/**
 * The key of another file of such a job: one that bears the media file's name follows it, suffix and all; any other has a
 * name of its own, which is held for the job too.
 */
export function keyBeside(turn: Turn, job: LiveJob, reserved: ReservedName, rendered: string): string {
  const media = placeRendered(turn, job, reserved.rendered ?? "");
  const own = placeRendered(turn, job, rendered);
  const follows = own.folder === media.folder && `${own.plain}.`.startsWith(`${media.plain}.`);
  if (follows) {
    const stem = reserved.stem + own.plain.slice(media.plain.length);
    return fileKey({ folder: reserved.folder, stem }, own.extension);
  }
  const { folder, plain, extension } = own;
  const suffix = heldSuffix(turn, job, nameKey(job.target_id, join(folder, plain)));
  const stem =
    suffix === null ? holdStem(turn, job, { folder, plain, extensions: [extension] }).stem : withSuffix(plain, suffix);
  return fileKey({ folder, stem }, extension);
}

/** Where such a path leads: each segment made safe, and none at the top that would be another account's (`@…`). */
function placeRendered(turn: Turn, job: LiveJob, rendered: string) {
  const root = job.target_id === MANAGED_TARGET ? "" : rootOf(turn, job.target_id);
  const path = sanitiseFolder(sanitiseFolder(join(job.folder ?? "", rendered)).replace(/^@+/, ""));
  const name = path.slice(path.lastIndexOf("/") + 1);
  const [, stem = name, extension = "bin"] = /^(.+)\.([A-Za-z0-9]{1,12})$/.exec(name) ?? [];
  return { folder: join(root, path.slice(0, -name.length - 1)), plain: stem || job.id, extension };
}

function join(folder: string, inner: string): string {
  return folder === "" || inner === "" ? folder + inner : `${folder}/${inner}`;
}

interface Stem {
  folder: string;
  plain: string;
  extensions: readonly string[];
}

/** Holds the first free suffix of a stem: the plain name, else the highest known suffix + 1. */
function holdStem(turn: Turn, job: LiveJob, { folder, plain, extensions }: Stem): { stem: string; suffix: number } {
  const stemKey = nameKey(job.target_id, join(folder, plain));
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
  return { stem, suffix };
}

/** A job's other files (subtitles) get what is free when they are committed. */
function reservedExtensions(options: JobOptions): string[] {
  return [options.format, ...(options.download_thumbnail ? ["jpg"] : [])];
}

/** All keys that a reservation holds. */
export function reservedKeys(options: JobOptions, name: ReservedName): string[] {
  if (name.rendered !== undefined) return [name.key];
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

/** The suffix of this stem that the job holds already. Uses name_stem(account_id, target_id, stem, suffix). */
function heldSuffix(turn: Turn, job: LiveJob, stemKey: string): number | null {
  const held = turn.sql.get<{ suffix: number }>(
    "SELECT suffix FROM names WHERE account_id = ? AND target_id = ? AND stem = ? AND job_id = ?",
    job.account_id,
    job.target_id,
    stemKey,
    job.id,
  );
  return held?.suffix ?? null;
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
  const rendered = parseReserved(job)?.rendered;
  return rendered === undefined ? reserveName(turn, job, options, job.title) : reserveRendered(turn, job, rendered);
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

const NAME_SUFFIX = / \((\d{1,6})\)(?=\.[^./]+$)/;

/**
 * The job holds this key, unless another one does. `least`: the suffix that is known of it.
 *
 * @param folder what of the key is its folder, without a slash at the end
 */
export function holdName(
  turn: Turn,
  job: Pick<LiveJob, "id" | "account_id" | "target_id">,
  key: string,
  folder: string,
  least = 1,
): void {
  const plain = key
    .replace(NAME_SUFFIX, "")
    .slice(folder === "" ? 0 : folder.length + 1)
    .replace(/\.[^.]+$/, "");
  turn.sql.run(
    "INSERT INTO names (account_id, target_id, folded, stem, suffix, job_id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    job.account_id,
    job.target_id,
    nameKey(job.target_id, key),
    nameKey(job.target_id, `${folder}/${plain}`),
    Math.max(least, suffixOf(key)),
    job.id,
  );
}

/** The number in `name (2).mp4`; 1 without one. */
function suffixOf(key: string): number {
  return Number(NAME_SUFFIX.exec(key)?.[1] ?? 1);
}

/** The job ended without files. */
export function freeNames(turn: Turn, jobId: string): void {
  turn.sql.run("DELETE FROM names WHERE job_id = ?", jobId);
}

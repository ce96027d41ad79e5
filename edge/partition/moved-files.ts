/** Files that somebody renames, moves or deletes one by one in the file tree (library API 9.5): managed storage alone. */
import { holdName, nameKey } from "./names.ts";
import { MANAGED_TARGET } from "./targets.ts";
import type { Turn } from "./turn.ts";

/** A delivered file on its way from one logical key to another. */
export interface FileMove {
  job: string;
  file: string;
  from: string;
  to: string;
  /** Its physical key once it is there. */
  storeKey: string;
}

/**
 * The jobs hold the new names of their files, besides the old ones. False: another job holds one of them, and nothing has
 * changed. Asked again it says the same. Uses the primary key of names.
 */
export function claimNames(turn: Turn, account: string, moves: readonly FileMove[]): boolean {
  const isTaken = ({ job, to }: FileMove) => {
    const holder = turn.sql.get<{ job_id: string | null }>(
      `SELECT job_id FROM names WHERE account_id = ? AND target_id = '${MANAGED_TARGET}' AND folded = ?`,
      account,
      nameKey(MANAGED_TARGET, to),
    )?.job_id;
    return holder !== undefined && holder !== null && holder !== job;
  };
  if (moves.some(isTaken)) return false;
  for (const { job, to } of moves) {
    // Of a foreign object that lay there once: whether one does, the store says.
    turn.sql.run(
      `UPDATE names SET job_id = ? WHERE account_id = ? AND target_id = '${MANAGED_TARGET}' AND folded = ? AND job_id IS NULL`,
      job,
      account,
      nameKey(MANAGED_TARGET, to),
    );
    const folder = to.slice(0, Math.max(0, to.lastIndexOf("/")));
    holdName(turn, { id: job, account_id: account, target_id: MANAGED_TARGET }, to, folder);
  }
  return true;
}

/** The files did not get there: their new names are free again. */
export function dropClaims(turn: Turn, account: string, moves: readonly FileMove[]): void {
  for (const { job, from, to } of moves) freeName(turn, account, job, to, from);
}

/**
 * The files are there. `keepOld`: the objects lie under their old keys still, and nothing else may be written there. Rows of
 * jobs that have retired are D1's alone.
 */
export function filesMoved(turn: Turn, account: string, moves: readonly FileMove[], keepOld: boolean): void {
  for (const { job, file, from, to, storeKey } of moves) {
    turn.sql.run(
      "UPDATE files SET path = ?, store_key = ? WHERE file_id = ? AND account_id = ?",
      to,
      storeKey,
      file,
      account,
    );
    turn.sql.run(
      "UPDATE jobs SET media_key = ?, version = version + 1 WHERE id = ? AND account_id = ? AND media_key = ?",
      to,
      job,
      account,
      from,
    );
    if (!keepOld) freeName(turn, account, job, from, to);
  }
}

/** One name of a job's, unless it is the same as the other one to its store. */
function freeName(turn: Turn, account: string, job: string, key: string, other: string): void {
  const folded = nameKey(MANAGED_TARGET, key);
  if (folded === nameKey(MANAGED_TARGET, other)) return;
  turn.sql.run(
    `DELETE FROM names WHERE account_id = ? AND target_id = '${MANAGED_TARGET}' AND folded = ? AND job_id = ?`,
    account,
    folded,
    job,
  );
}

/** Some files of a job were deleted and others are left: it keeps its names until the last one goes. */
export function filesErased(turn: Turn, fileIds: readonly string[]): void {
  turn.sql.run(
    "UPDATE files SET deleted_at = coalesce(deleted_at, ?) WHERE file_id IN (SELECT value FROM json_each(?))",
    turn.now,
    JSON.stringify(fileIds),
  );
}

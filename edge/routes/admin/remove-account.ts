/** Removal of an account, step by step; each step may be repeated, so the sweep goes on where one broke off. */
import {
  accountsToRemove,
  type BegunRemoval,
  beginRemoval,
  endRemoval,
  filesToRemove,
} from "../../db/account-removal.ts";
import { markFilesDeleted } from "../../db/file-erasure.ts";
import type { Env } from "../../env.ts";
import { makeLog } from "../../log.ts";
import { openManagedStore } from "../../storage/open-store.ts";
import { askOne, tellAll } from "./ask-partitions.ts";
import { revokeEverywhere } from "./revoke-everywhere.ts";

/** Files removed in one run: each is two calls to a bucket, and a Worker may make a thousand calls. */
const MAX_FILES_PER_RUN = 400;
/** … and in one sweep, which has made others before. */
const MAX_FILES_PER_SWEEP = 100;
const FILES_AT_ONCE = 20;
/** Calls to the partition in one run; each cancels some hundred jobs. */
const MAX_CANCEL_CALLS = 20;
/** Accounts that one sweep works on. */
const MAX_ACCOUNTS_PER_SWEEP = 5;

export interface RemovalCount {
  /** Jobs that have not ended yet: their files were just being committed. */
  jobsLeft: number;
  filesRemoved: number;
  filesLeft: boolean;
}

/**
 * Voids the account's keys, file URLs, enrolments and own nodes, everywhere, before it returns. Null: there is no such
 * account. Throws 503 if a partition did not hear of it.
 */
export async function closeAccount(env: Env, id: string, now: number): Promise<BegunRemoval | null> {
  const begun = await beginRemoval(env.DB, id, now);
  if (begun === null) return null;
  await revokeEverywhere(env, id, begun.partition, begun.keys);
  for (const node of begun.nodes) await tellAll(env, async (stub) => stub.adminRemoveNode(node));
  return begun;
}

/** Cancels the account's jobs and removes its managed files, a bounded number of both. */
export async function emptyAccount(
  env: Env,
  id: string,
  partition: string,
  now: number,
  maxFiles = MAX_FILES_PER_RUN,
): Promise<RemovalCount> {
  const jobs = await cancelJobs(env, id, partition);
  const count: RemovalCount = { jobsLeft: jobs.left, filesRemoved: 0, filesLeft: !jobs.stored };
  const store = openManagedStore(env);
  while (count.filesRemoved < maxFiles) {
    const files = await filesToRemove(env.DB, id, Math.min(FILES_AT_ONCE, maxFiles - count.filesRemoved));
    if (files.length === 0) return count;
    // False is fine: the object is gone, or was replaced by somebody else's.
    await Promise.all(files.map((file) => store.delete(file.store_key, file.etag)));
    await markFilesDeleted(
      env.DB,
      files.map((file) => file.file_id),
      now,
    );
    count.filesRemoved += files.length;
  }
  return { ...count, filesLeft: true };
}

async function cancelJobs(env: Env, id: string, partition: string): Promise<{ left: number; stored: boolean }> {
  let left = Number.POSITIVE_INFINITY;
  for (let calls = 0; calls < MAX_CANCEL_CALLS; calls++) {
    const count = await askOne(env, partition, async (stub) => stub.adminCancelAccount(id));
    if (count.left === 0 || count.left >= left) return count;
    left = count.left;
  }
  return { left, stored: false };
}

/** One bounded run for each account that is being removed. Returns how many are gone for good. */
export async function sweepRemovals(env: Env, now: number): Promise<number> {
  let gone = 0;
  let files = MAX_FILES_PER_SWEEP;
  for (const id of await accountsToRemove(env.DB, MAX_ACCOUNTS_PER_SWEEP)) {
    try {
      const removed = await removeOnce(env, id, now, files);
      files -= removed.files;
      if (removed.gone) gone++;
    } catch (error) {
      logRemovalFailure(env, id, error);
    }
  }
  return gone;
}

/** The next sweep goes on. */
export function logRemovalFailure(env: Env, account: string, error: unknown): void {
  makeLog(env)("warn", "account.removal_failed", { account, error: String(error).slice(0, 200) });
}

async function removeOnce(
  env: Env,
  id: string,
  now: number,
  maxFiles: number,
): Promise<{ gone: boolean; files: number }> {
  const begun = await closeAccount(env, id, now);
  if (begun === null) return { gone: false, files: 0 };
  const count = await emptyAccount(env, id, begun.partition, now, maxFiles);
  const files = count.filesRemoved;
  if (count.jobsLeft > 0 || count.filesLeft) return { gone: false, files };
  await askOne(env, begun.partition, async (stub) => stub.adminForgetAccount(id));
  await endRemoval(env.DB, id);
  return { gone: true, files };
}

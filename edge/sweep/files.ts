/** Files that are to go: those past the operator's retention, and those whose deletion broke off (docs/decisions/028). */
import { askExpired, type FileToErase, filesToErase, markFilesDeleted, postponeErasure } from "../db/file-erasure.ts";
import { type Env, envNumber } from "../env.ts";
import { errorText, type Log } from "../log.ts";
import { openManagedStore } from "../storage/open-store.ts";
import { StoreError } from "../storage/store-error.ts";
import { freeNames } from "./free-names.ts";
import { type Counted, DAY_MS } from "./step.ts";

/** Files of one run. A deletion is two calls to a bucket, and all calls of a Worker's run are a thousand. */
const MAX_FILES_PER_RUN = 150;
const FILES_AT_ONCE = 20;
/** A request that deletes a file is over by then, one way or the other. */
const REQUEST_MS = 60_000;
/** What a store did not take away is asked for again after this, so that it does not stand before all others. */
const RETRY_MS = 10 * 60_000;

/** One bounded run. Also without retention: what a request left half done is finished here. */
export async function sweepFiles(env: Env, log: Log, now: number): Promise<Counted> {
  const days = envNumber(env.TRAWL_RETENTION_DAYS, 0);
  // Due at once: no request is at work on these.
  if (days > 0) await askExpired(env.DB, now - days * DAY_MS, MAX_FILES_PER_RUN, now - REQUEST_MS);
  const files = await filesToErase(env.DB, now - REQUEST_MS, MAX_FILES_PER_RUN);
  if (files.length === 0) return {};
  const failed = await eraseAll(env, log, files);
  const gone = files.filter((file) => !failed.has(file.file_id)).map((file) => file.file_id);
  await markFilesDeleted(env.DB, gone, now);
  const freed = await freeNames(env, log, gone, now);
  const left = files.filter((file) => failed.has(file.file_id) || !freed.has(file.job_id)).map((file) => file.file_id);
  if (left.length > 0) await postponeErasure(env.DB, left, now + RETRY_MS);
  return { files: gone.length, failed: failed.size };
}

/** Returns those that the store did not take away. */
async function eraseAll(env: Env, log: Log, files: readonly FileToErase[]): Promise<Set<string>> {
  const store = openManagedStore(env);
  const there = files.filter((file) => file.deleted_at === null);
  const failed: { file: string; code: string }[] = [];
  for (let at = 0; at < there.length; at += FILES_AT_ONCE) {
    await Promise.all(
      there.slice(at, at + FILES_AT_ONCE).map(async (file) => {
        try {
          // False is fine: the object is gone, or was replaced by somebody else's.
          await store.delete(file.store_key, file.etag);
        } catch (error) {
          failed.push({ file: file.file_id, code: error instanceof StoreError ? error.code : errorText(error) });
        }
      }),
    );
  }
  const [first] = failed;
  if (first !== undefined) {
    log("warn", "file.erase_failed", { file: first.file, code: first.code, files: failed.length });
  }
  return new Set(failed.map(({ file }) => file));
}

/**
 * Uploads of which nobody knows any more, in managed storage and in the buckets that accounts have configured
 * (docs/decisions/029). Those that an attempt began and left are aborted by its partition; here is what was never learnt of.
 */
import { CONTENT_TYPES } from "../../shared/contract/options.ts";
import { secretBoxOf } from "../auth/secret-box.ts";
import { oldestAttempt } from "../db/jobs.ts";
import { readWalk, restUntil, writeWalk } from "../db/sweeps.ts";
import { openTargetStorage, type SweptTarget, targetsToSweep } from "../db/targets.ts";
import type { Env } from "../env.ts";
import { errorText, type Log } from "../log.ts";
import { openManagedStore, openStore } from "../storage/open-store.ts";
import type { ObjectStore } from "../storage/port.ts";
import { rootFolder } from "../storage/storage-place.ts";
import { StoreError } from "../storage/store-error.ts";
import { type Counted, DAY_MS } from "./step.ts";

/** How long an upload must be open: no attempt of ordinary length lives so long … */
const MANAGED_AGE_MS = 2 * DAY_MS;
/** … and in a bucket of somebody's own it is somebody else's rather than ours, until it is plainly abandoned. */
const OWN_AGE_MS = 7 * DAY_MS;
const REST_MS = DAY_MS;
/** Buckets searched in one run. */
const MAX_TARGETS_PER_RUN = 3;

/** Each store once a day. One that fails does not keep the others from their turn. */
export async function sweepUploads(env: Env, log: Log, now: number): Promise<Counted> {
  let ended = await sweepManaged(env, log, now);
  for (const target of await targetsToSweep(env.DB, now - REST_MS, now, MAX_TARGETS_PER_RUN)) {
    ended += await asked(log, target.id, () => sweepTarget(env, target, now));
  }
  return { ended };
}

async function sweepManaged(env: Env, log: Log, now: number): Promise<number> {
  const walk = await readWalk(env.DB, "uploads");
  if (walk.rest_until > now) return 0;
  await writeWalk(env.DB, "uploads", restUntil(now + REST_MS));
  const before = Math.min(now - MANAGED_AGE_MS, (await oldestAttempt(env.DB, null)) ?? now);
  return asked(log, "managed", async () => search(openManagedStore(env), "", before, MANAGED_KEY));
}

async function sweepTarget(env: Env, target: SweptTarget, now: number): Promise<number> {
  const { account_id: account, sealed } = target;
  const storage = await openTargetStorage(secretBoxOf(env), account, sealed);
  const before = Math.min(now - OWN_AGE_MS, (await oldestAttempt(env.DB, account)) ?? now);
  return search(openStore(storage, env), `${rootFolder(target)}/`, before, OUR_EXTENSION);
}

const EXTENSIONS = [...Object.keys(CONTENT_TYPES), "vtt", "jpg", "info\\.json"];
const OUR_EXTENSION = new RegExp(`\\.(?:${EXTENSIONS.join("|")})$`);
/** Below `videos/`, behind the prefix of an account. */
const MANAGED_KEY = new RegExp(`^(?:@[^/]+/)?videos/.+${OUR_EXTENSION.source}`);

async function search(store: ObjectStore, prefix: string, before: number, ours: RegExp): Promise<number> {
  return (await store.endAbandoned?.({ prefix, before, isOurs: (key) => ours.test(key) })) ?? 0;
}

async function asked(log: Log, target: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    // Credentials that may not list are no fault: the guide says what the bucket's owner can do instead.
    const code = error instanceof StoreError ? error.code : errorText(error);
    log(error instanceof StoreError && error.fault !== "unavailable" ? "info" : "warn", "uploads.not_listed", {
      target,
      code,
    });
    return 0;
  }
}

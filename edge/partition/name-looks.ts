/**
 * Names in storage of the client's own (jobs API 11.1): an object that lies there already has its name. Before the download
 * begins the job's keys are looked at, and passed over where something is; what appears later is found by the commit.
 */
import type { JobOptions } from "../../shared/contract/options.ts";
import type { LiveJob } from "./job-row.ts";
import { parseReserved } from "./job-row.ts";
import { patchJob } from "./move.ts";
import { passOver, reservedKeys } from "./names.ts";
import { MANAGED_TARGET, type OpenStore, type StoreRef } from "./targets.ts";
import type { AttemptDesk } from "./tickets.ts";
import type { Turn } from "./turn.ts";
import { hasUploads, storeOf } from "./uploads.ts";

/** Objects looked at for one attempt; then the commit finds out. */
const MAX_LOOKS = 20;
/** The node waits for an answer, and the upload has yet to begin. */
const MAX_LOOKS_MS = 5_000;

/** Returns how many names were passed over. */
export async function passTakenNames({ open, now, run }: AttemptDesk): Promise<number> {
  const until = now() + MAX_LOOKS_MS;
  let passed = 0;
  for (let looks = 0; looks < MAX_LOOKS; ) {
    const names = run(namesOf);
    if ("refused" in names || names.value === null) return passed;
    const { keys, store } = names.value;
    let taken: string | null = null;
    for (const key of keys) {
      if (looks >= MAX_LOOKS || now() >= until) return passed;
      looks++;
      if (await lies(open, store, key)) {
        taken = key;
        break;
      }
    }
    if (taken === null) return passed;
    const key = taken;
    run((turn, job) => renew(turn, job, key));
    passed++;
  }
  return passed;
}

/** Null: managed storage, or keys that an upload is bound to already. */
function namesOf(turn: Turn, job: LiveJob): { keys: string[]; store: StoreRef } | null {
  const reserved = parseReserved(job);
  if (job.target_id === MANAGED_TARGET || reserved === null || hasUploads(turn, job)) return null;
  return { keys: reservedKeys(JSON.parse(job.options) as JobOptions, reserved), store: storeOf(job) };
}

/** False also where credentials that may write may not look, or the store does not answer: the commit will tell. */
async function lies(open: OpenStore, store: StoreRef, key: string): Promise<boolean> {
  try {
    return (await (await open(store)).head(key)) !== null;
  } catch {
    return false;
  }
}

function renew(turn: Turn, job: LiveJob, key: string): true {
  if (hasUploads(turn, job)) return true;
  const reserved = passOver(turn, job, JSON.parse(job.options) as JobOptions, key);
  patchJob(turn, job, { reserved: JSON.stringify(reserved) });
  return true;
}

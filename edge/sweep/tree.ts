/** The file tree compared with the disk, hour by hour (library API 9.1); links of ZIP downloads that have run out. */

import { readWalk, restUntil, writeWalk } from "../db/sweeps.ts";
import { folderAfter } from "../db/tree.ts";
import { accountRootAfter } from "../db/tree-walk.ts";
import { dropZipTokens } from "../db/zip-tokens.ts";
import type { Env } from "../env.ts";
import { compareFolder } from "../library/tree/compare.ts";
import { finishMoves } from "../library/tree/move-entry.ts";
import { openTree } from "../library/tree/open-tree.ts";
import type { Log } from "../log.ts";
import { openManagedStore } from "../storage/open-store.ts";
import { StoreError } from "../storage/store-error.ts";
import type { Counted } from "./step.ts";

/** Pages of folders looked at in one run, of up to a thousand names each. */
const MAX_PAGES_PER_RUN = 200;
const REST_MS = 60 * 60_000;

/** Where a round stands. */
interface Position {
  account: string;
  prefix: string;
  /** The folder, and the name in it to go on after. */
  folder: string;
  after: string | null;
}

/** Whether this process has begun a round: what happened while it was away is looked at first. */
let begun = false;

/** One bounded run. Nothing to do where nobody can put anything by hand. */
export async function sweepTree(env: Env, log: Log, now: number): Promise<Counted> {
  await dropZipTokens(env.DB, now);
  const moved = await finishMoves(env, log, now);
  if (openManagedStore(env).folders === undefined) return { moved };
  const walk = begun ? await readWalk(env.DB, "tree") : restUntil(0);
  if (walk.rest_until > now) return { moved };
  begun = true;
  let at = walk.after_id === "" ? await nextAccount(env, "") : (JSON.parse(walk.after_id) as Position);
  let changed = 0;
  for (let pages = 0; pages < MAX_PAGES_PER_RUN && at !== null; pages++) {
    const here: Position = at;
    try {
      const tree = openTree(env, { id: here.account, store_prefix: here.prefix });
      const compared = await compareFolder(tree, here.folder, here.after);
      changed += compared.changed;
      at = compared.next === null ? await nextFolder(env, here) : { ...here, after: compared.next };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // A disk that is away says the same of everything; a folder that no key names keeps no other from its turn.
      log("warn", "tree.not_compared", { account: here.account, folder: here.folder, code: error.code });
      if (error.code !== "bad_key") break;
      at = await nextFolder(env, here);
    }
  }
  const next = at === null ? restUntil(now + REST_MS) : { after_time: 0, after_id: JSON.stringify(at), rest_until: 0 };
  await writeWalk(env.DB, "tree", next);
  return { changed, moved };
}

async function nextFolder(env: Env, at: Position): Promise<Position | null> {
  const folder = await folderAfter(env.DB, at.account, at.folder);
  return folder === null ? nextAccount(env, at.account) : { ...at, folder, after: null };
}

async function nextAccount(env: Env, after: string): Promise<Position | null> {
  const next = await accountRootAfter(env.DB, after);
  return next === null ? null : { account: next.id, prefix: next.store_prefix, folder: "", after: null };
}

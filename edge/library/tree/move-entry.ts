/**
 * Gives a file or a folder another path (library API 9.5, docs/decisions/144). Where it goes is noted first; then each step may
 * be repeated, so that a move that breaks off is ended by the sweep:
 *
 * 1. `moving_to` of the row and all below it;   from here on it is found
 * 2. the jobs hold the new names
 * 3. one rename in the store, where its keys are paths
 * 4. the partition's rows; old names are free
 * 5. D1's rows, `moving_to` among them;         done
 */
import { deliveredWithin, findRow, type TreeRow } from "../../db/tree.ts";
import { beginMove, brokenMoves, endMove, giveUpMove } from "../../db/tree-changes.ts";
import type { Env } from "../../env.ts";
import { errorText, type Log } from "../../log.ts";
import type { FileMove } from "../../partition/moved-files.ts";
import {
  destinationExists,
  destinationInvalid,
  doesNotExist,
  type TreeChange,
  type TreeRefusal,
} from "./change-tree.ts";
import { lookAt } from "./compare.ts";
import { openTree } from "./open-tree.ts";

/** Files of jobs that one call to the partition is about. */
const MOVES_PER_CALL = 500;
/** A request that moves something is over by then. */
const REQUEST_MS = 60_000;
/** Broken moves that one run of the sweep ends. */
const MAX_MOVES_PER_RUN = 20;

/** @throws TreeRefusal, after which nothing has moved; StoreError, after which the sweep goes on. */
export async function moveEntry(change: TreeChange, row: TreeRow, to: string): Promise<void> {
  const { db, account } = change.tree;
  if (!(await beginMove(db, account, row.path, to, Date.now()))) {
    throw (await findRow(db, account, row.path))?.moving_to === null ? destinationExists() : doesNotExist(row.path);
  }
  const refusal = await finishMove(change, row, to);
  if (refusal !== null) throw refusal;
}

async function finishMove(change: TreeChange, row: TreeRow, to: string): Promise<TreeRefusal | null> {
  const { tree, env, partition } = change;
  const { db, account, prefix, store } = tree;
  const stub = env.PARTITION.getByName(partition);
  const giveUp = async (refusal: TreeRefusal) => {
    for await (const moves of movesOf(change, row.path)) await stub.dropClaims(account, moves);
    await giveUpMove(db, account, row.path);
    // What the rows did not know of: somebody has been there by hand.
    await Promise.all([lookAt(tree, row.path), lookAt(tree, to)]);
    return refusal;
  };
  for await (const moves of movesOf(change, row.path)) {
    if (!(await stub.claimNames(account, moves))) return giveUp(destinationExists());
  }
  if (store.folders !== undefined) {
    const { kind } =
      row.kind === "dir"
        ? await store.folders.move(prefix + row.path, prefix + to)
        : ((await store.rename?.(prefix + row.path, prefix + to, row.etag ?? "")) ?? { kind: "refused" });
    if (kind === "taken") return giveUp(destinationExists());
    if (kind === "gone") return giveUp(doesNotExist(row.path));
    if (kind === "refused") return giveUp(destinationInvalid());
  }
  const keepOld = store.folders === undefined;
  for await (const moves of movesOf(change, row.path)) await stub.filesMoved(account, moves, keepOld);
  await endMove(db, { account, from: row.path, to, prefix: keepOld ? null : prefix, at: Date.now() });
  return null;
}

/** The files of jobs that are on their way, some at a time. */
async function* movesOf({ tree }: TreeChange, path: string): AsyncGenerator<FileMove[]> {
  const { db, account, prefix, store } = tree;
  for (let after = ""; ; ) {
    const rows = await deliveredWithin(db, account, path, after, MOVES_PER_CALL);
    const moves = rows.flatMap(({ job_id, file_id, path: from, moving_to: to, store_key }) => {
      if (job_id === null || file_id === null || to === null) return [];
      const storeKey = store.folders === undefined ? (store_key ?? "") : prefix + to;
      return [{ job: job_id, file: file_id, from, to, storeKey }];
    });
    if (moves.length > 0) yield moves;
    const last = rows.at(-1);
    if (last === undefined || rows.length < MOVES_PER_CALL) return;
    after = last.path;
  }
}

/** One bounded run: ends moves that broke off. Returns how many. */
export async function finishMoves(env: Env, log: Log, now: number): Promise<number> {
  let ended = 0;
  for (const move of await brokenMoves(env.DB, now - REQUEST_MS, MAX_MOVES_PER_RUN)) {
    const tree = openTree(env, { id: move.account_id, store_prefix: move.store_prefix });
    const row = await findRow(env.DB, move.account_id, move.path);
    if (row === null) continue;
    try {
      await finishMove({ env, log, tree, partition: move.partition }, row, move.moving_to);
      ended++;
    } catch (error) {
      log("warn", "tree.move_failed", { account: move.account_id, error: errorText(error) });
    }
  }
  return ended;
}

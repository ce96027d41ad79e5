/** Opens a partition's storage; an empty one claims its generation and is rebuilt from D1 (birth rule). */

import type { JobOptions } from "../../shared/contract/options.ts";
import { SESSION_KEY_TTL_MS } from "../../shared/limits.ts";
import type { Database } from "../db/database.ts";
import {
  accountsOf,
  claimEpoch,
  filesAfter,
  liveBatchesOf,
  liveJobsAfter,
  liveTargetsOf,
  nodeOrders,
} from "../db/rebuild.ts";
import { insertBatchRow } from "./batches.ts";
import { Core } from "./core.ts";
import { insertJobRow, upsertAccount, withoutHandOut } from "./create.ts";
import { EventIds } from "./event-ids.ts";
import { type JobRow, parseReserved } from "./job-row.ts";
import { countMove } from "./move.ts";
import { NAME_SUFFIX, nameKey, reservedKeys, suffixOf } from "./names.ts";
import { orderDrain, orderRemoval } from "./node-orders.ts";
import { getMeta, openSchema, setMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";
import { apiStatus, type State } from "./states.ts";
import { putTarget } from "./targets.ts";
import type { ResolvedCore, Turn } from "./turn.ts";

/** A live job of a dead generation: whatever held it is stale now, so it only waits again. */
const REBORN: Partial<Record<State, State>> = { offered: "queued", running: "queued", finishing: "queued" };

export async function openCore(
  sql: Sql,
  db: Database,
  name: string,
  config: ResolvedCore,
  now: () => number,
): Promise<Core> {
  if (!openSchema(sql)) return new Core(sql, config, Number(getMeta(sql, "epoch")), EventIds.load(sql));
  // The claim is stored last: a crash before that repeats the birth with a higher generation, which is harmless.
  const epoch = await claimEpoch(db, name, now());
  const core = new Core(sql, config, epoch, new EventIds(0));
  if (epoch > 1) await rebuild(core, db, name, now);
  await loadNodeOrders(core, db, now());
  core.sql.transaction(() => setMeta(sql, "epoch", String(epoch)));
  return core;
}

/** Drained and removed nodes are so for every partition, those born later too. */
async function loadNodeOrders(core: Core, db: Database, now: number): Promise<void> {
  const orders = await nodeOrders(db, now - SESSION_KEY_TTL_MS);
  core.sql.transaction(() => {
    for (const node of orders.drained) orderDrain(core.sql, node, true);
    for (const node of orders.removed) orderRemoval(core.sql, node, now);
  });
}

/**
 * Versions of a rebuilt row start this far above what D1 had: a flight of the dead generation that was still in the air
 * may land after we have read, and must not outrank the new one.
 */
const GENERATION_STEP = 1_000_000;

async function rebuild(core: Core, db: Database, name: string, now: () => number): Promise<void> {
  // What an earlier try left behind would be counted for nothing: it starts over.
  core.run(now(), Math.random, ({ sql }) => {
    for (const table of ["jobs", "batches", "names", "targets", "accounts"]) sql.run(`DELETE FROM ${table}`);
  });
  for (const account of await accountsOf(db, name)) {
    const { id, pool, limits, store_prefix, storage, ...usage } = account;
    core.run(now(), Math.random, (turn) => {
      upsertAccount(turn, { id, pool, limits, store_prefix, storage });
      turn.sql.run(
        `UPDATE accounts SET version = ?, usage_count = ?, bytes_used = ?, bytes_reserved = ?, completed = ?, failed = ?,
           warning = ?, skipped = ?, pending = 0, processing = 0, ready = 0, active = 0 WHERE id = ?`,
        usage.version + GENERATION_STEP,
        usage.usage_count,
        usage.bytes_used,
        usage.bytes_reserved,
        usage.jobs_completed,
        usage.jobs_failed,
        usage.jobs_warning,
        usage.jobs_skipped,
        id,
      );
    });
    const [batches, targets] = await Promise.all([liveBatchesOf(db, id), liveTargetsOf(db, id)]);
    core.run(now(), Math.random, (turn) => {
      for (const target of targets) putTarget(turn, target);
      // Whoever was processing waits again, and the first child's key is read from D1 when the parent ends.
      for (const batch of batches) {
        const version = batch.version + GENERATION_STEP;
        insertBatchRow(turn, { ...batch, processing: 0, version, first_key: null, first_size: null });
      }
    });
    // Files first: the disk store may have put one under a name that a live job had reserved.
    await rebuildNames(core, db, id, now);
    await rebuildJobs(core, db, id, now);
  }
}

async function rebuildJobs(core: Core, db: Database, account: string, now: () => number): Promise<void> {
  for (let after = ""; ; ) {
    const page = await liveJobsAfter(db, account, after);
    const last = page.at(-1);
    if (last === undefined) return;
    core.run(now(), Math.random, (turn) => {
      for (const row of page) putBack(turn, row);
    });
    after = last.id;
  }
}

function putBack(turn: Turn, row: JobRow): void {
  if (turn.sql.get("SELECT 1 AS x FROM jobs WHERE id = ?", row.id) !== undefined) return;
  const state = REBORN[row.state] ?? row.state;
  const reborn: JobRow = {
    ...row,
    state,
    status: apiStatus(state),
    step: null,
    progress: 0,
    version: row.version + GENERATION_STEP,
  };
  insertJobRow(turn, withoutHandOut(reborn, 0));
  countMove(turn, row.account_id, null, state);
  const reserved = parseReserved(row);
  if (reserved === null) return;
  for (const key of reservedKeys(JSON.parse(row.options) as JobOptions, reserved)) {
    holdName(turn, row, key, reserved.folder, reserved.suffix);
  }
}

async function rebuildNames(core: Core, db: Database, account: string, now: () => number): Promise<void> {
  for (let after = { path: "", file_id: "" }; ; ) {
    const page = await filesAfter(db, account, after);
    const last = page.at(-1);
    if (last === undefined) return;
    core.run(now(), Math.random, (turn) => {
      for (const file of page) {
        const folder = file.path.slice(0, Math.max(0, file.path.lastIndexOf("/")));
        holdName(turn, { id: file.job_id, account_id: account, target_id: file.target_id }, file.path, folder, 1);
      }
    });
    after = last;
  }
}

function holdName(
  turn: Turn,
  job: Pick<JobRow, "id" | "account_id" | "target_id">,
  key: string,
  folder: string,
  suffix: number,
): void {
  const plain = key
    .replace(NAME_SUFFIX, "")
    .slice(folder.length + 1)
    .replace(/\.[^.]+$/, "");
  turn.sql.run(
    "INSERT INTO names (account_id, target_id, folded, stem, suffix, job_id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    job.account_id,
    job.target_id,
    nameKey(job.target_id, key),
    nameKey(job.target_id, `${folder}/${plain}`),
    Math.max(suffix, suffixOf(key)),
    job.id,
  );
}

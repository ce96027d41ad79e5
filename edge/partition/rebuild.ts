/**
 * Puts back what D1 has of a partition whose storage was lost (birth rule): live jobs, batches, names, counters,
 * idempotency keys, and the ends that a sink may not have been told.
 *
 * D1 has every row as it was when a flight brought it, which may be newer than the last event that D1 has (`d1_event`)
 * if that flight left events behind. So counters are those of the rows, not of their summary, and a list that ended
 * beyond that event goes on.
 */
import type { JobOptions } from "../../shared/contract/options.ts";
import { IDEMPOTENCY_KEPT_MS } from "../../shared/limits.ts";
import type { Database } from "../db/database.ts";
import type { Generation } from "../db/generation.ts";
import { dropHalfCreates, endAttempts } from "../db/mend.ts";
import {
  type AccountToRebuild,
  accountsOf,
  answersAfter,
  batchesSince,
  type CountedBatch,
  filesAfter,
  filesOfJobs,
  jobsEndedAfter,
  limitedKeysOf,
  liveJobsAfter,
  liveTargetsOf,
} from "../db/rebuild.ts";
import { insertBatchRow } from "./batches.ts";
import type { Core } from "./core.ts";
import { insertJobRow, upsertAccount, withoutHandOut } from "./create.ts";
import { advanceCursor, type FileRow } from "./drain.ts";
import { recordEvent } from "./events.ts";
import { type JobRow, parseReserved } from "./job-row.ts";
import { type KeyFacts, upsertKey } from "./keys.ts";
import { countMove, settle } from "./move.ts";
import { holdName, reservedKeys } from "./names.ts";
import { tellBatchAgain, tellJobAgain } from "./retell.ts";
import { apiStatus, type State } from "./states.ts";
import { MANAGED_TARGET, putTarget } from "./targets.ts";
import type { Turn } from "./turn.ts";

/** A live job of a dead generation: whatever held it is stale now, so it only waits again. */
const REBORN: Partial<Record<State, State>> = { offered: "queued", running: "queued", finishing: "queued" };

/** Everything that a rebuild writes: what an earlier try left behind would be counted for nothing. */
const TABLES = [
  "jobs",
  "targets",
  "batches",
  "files",
  "names",
  "accounts",
  "keys",
  "idempotency",
  "outcomes",
  "events",
  "cursors",
];

interface Rebuild {
  core: Core;
  db: Database;
  generation: Generation;
  now: () => number;
  run: <Result>(body: (turn: Turn) => Result) => Result;
}

export async function rebuild(core: Core, db: Database, generation: Generation, now: () => number): Promise<void> {
  const run = <Result>(body: (turn: Turn) => Result) => core.run(now(), Math.random, body).result;
  const work: Rebuild = { core, db, generation, now, run };
  run(({ sql, figures }) => {
    for (const table of TABLES) sql.run(`DELETE FROM ${table}`);
    figures.forget();
    advanceCursor(sql, "d1", generation.d1_event);
    advanceCursor(sql, "stream", generation.stream_event);
    advanceCursor(sql, "courier", generation.courier_event);
  });
  await dropHalfCreates(db, generation);
  for (const account of await accountsOf(db, generation.partition)) {
    await rebuildAccount(work, account);
    const open = await rebuildBatches(work, account.id);
    // Files first: the disk store may have put one under a name that a live job had reserved.
    await rebuildNames(work, account);
    await rebuildEnded(work, account);
    await rebuildLive(work, account);
    await rebuildAnswers(work, account.id);
    // The last member's end may have reached D1 without that of its batch.
    run((turn) => {
      for (const batch of open) settle(turn, batch);
    });
  }
}

async function rebuildAccount({ db, generation, run }: Rebuild, account: AccountToRebuild): Promise<void> {
  const { id, pool, limits, store_prefix, storage, paused, ...usage } = account;
  const [keys, targets] = await Promise.all([limitedKeysOf(db, id), liveTargetsOf(db, id)]);
  run((turn) => {
    upsertAccount(turn, { id, pool, limits, store_prefix, storage });
    turn.sql.run(
      `UPDATE accounts SET version = ?, usage_count = ?, bytes_used = ?, completed = ?, failed = ?, warning = ?, skipped = ?,
         paused = ?, watched = 1, events_from = ? WHERE id = ?`,
      usage.version + 1,
      usage.usage_count,
      usage.bytes_used,
      usage.jobs_completed,
      usage.jobs_failed,
      usage.jobs_warning,
      usage.jobs_skipped,
      paused,
      // Streams may be open still, and what they resume from is not here any more: they get a snapshot.
      Math.max(generation.d1_event, turn.now * 1000),
      id,
    );
    for (const target of targets) putTarget(turn, target);
    for (const key of keys) {
      upsertKey(turn, id, { id: key.id, limits: JSON.parse(key.limits) as KeyFacts["limits"] });
    }
  });
}

/** The first event that some sink may not have been told. */
function toldUntil(generation: Generation): number {
  return Math.min(generation.stream_event, generation.courier_event);
}

/** Returns the batches that go on. */
async function rebuildBatches({ db, generation, run }: Rebuild, account: string): Promise<string[]> {
  const batches = await batchesSince(db, account, toldUntil(generation));
  return run((turn) => batches.filter((batch) => !putBatchBack(turn, batch, generation)).map((batch) => batch.id));
}

/** True when it is over for good. */
function putBatchBack(turn: Turn, { held, ...batch }: CountedBatch, generation: Generation): boolean {
  // The first child's key is read from D1 when the parent ends.
  const row = { ...batch, first_key: null, first_size: null };
  if (batch.terminal_event_id !== null && batch.terminal_event_id <= generation.d1_event) {
    tellBatchAgain(turn, row);
    return true;
  }
  insertBatchRow(turn, {
    ...row,
    status: held > 0 ? "paused" : "processing",
    version: batch.version + 1,
    finished_at: null,
    terminal_event_id: null,
  });
  return false;
}

async function rebuildEnded({ db, generation, now, run, core }: Rebuild, account: AccountToRebuild): Promise<void> {
  const told = toldUntil(generation);
  for (let after = Math.min(told, account.event); ; ) {
    const page = await jobsEndedAfter(db, account.id, after);
    const last = page.at(-1)?.terminal_event_id ?? null;
    if (last === null) return;
    const files = Map.groupBy(await filesOfJobs(db, page), (file) => file.job_id);
    run((turn) => {
      for (const row of page) {
        const event = row.terminal_event_id ?? 0;
        core.ids.passed(event);
        if (row.role === "parent" && event > generation.d1_event) {
          putParentBack(turn, row, account.event);
          continue;
        }
        const own = files.get(row.id) ?? [];
        countEnded(turn, row, own, account.event);
        if (event > told) tellJobAgain(turn, row, own);
      }
    });
    const ahead = page.filter((row) => (row.terminal_event_id ?? 0) > generation.d1_event);
    await endAttempts(db, generation, attempted(ahead), now());
    after = last;
  }
}

function attempted(rows: readonly JobRow[]): string[] {
  return rows.filter((row) => row.attempts > 0).map((row) => row.id);
}

/** Counters in D1 are those of their event; what ended later is added. */
function countEnded(turn: Turn, row: JobRow, files: readonly FileRow[], counted: number): void {
  countCreated(turn, row, counted);
  if ((row.terminal_event_id ?? 0) <= counted) return;
  countMove(turn, { account_id: row.account_id, key_id: null }, null, row.state);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  turn.sql.run("UPDATE accounts SET bytes_used = bytes_used + ? WHERE id = ?", bytes, row.account_id);
}

function countCreated(turn: Turn, row: JobRow, counted: number): void {
  if ((row.create_event ?? 0) <= counted) return;
  turn.sql.run("UPDATE accounts SET usage_count = usage_count + 1 WHERE id = ?", row.account_id);
}

async function rebuildLive(work: Rebuild, account: AccountToRebuild): Promise<void> {
  const { db, generation, now, run } = work;
  for (let after = ""; ; ) {
    const page = await liveJobsAfter(db, account.id, after);
    const last = page.at(-1);
    if (last === undefined) return;
    run((turn) => {
      for (const row of page) putBack(turn, row, account.event);
    });
    await endAttempts(db, generation, attempted(page), now());
    after = last.id;
  }
}

/** A parent ended with a list of which D1 does not have all ends: it goes on with it. */
function putParentBack(turn: Turn, row: JobRow, counted: number): void {
  putBack(
    turn,
    {
      ...row,
      state: "parent",
      finished_at: null,
      terminal_event_id: null,
      error: null,
      error_type: null,
      error_class: null,
      media_key: null,
      file_size: null,
    },
    counted,
    row.state,
  );
}

/** @param known the state that D1 has. */
function putBack(turn: Turn, row: JobRow, counted: number, known: State = row.state): void {
  const state = REBORN[row.state] ?? row.state;
  const reborn: JobRow = {
    ...row,
    state,
    status: apiStatus(state),
    step: null,
    progress: 0,
    version: row.version + 1,
  };
  insertJobRow(turn, withoutHandOut(reborn, row.create_event ?? 0));
  countMove(turn, row, null, state);
  countCreated(turn, row, counted);
  // Lists show it as it is now.
  if (state !== known) recordEvent(turn, reborn, ".job.changed", null);
  const reserved = parseReserved(row);
  if (reserved === null) return;
  for (const key of reservedKeys(JSON.parse(row.options) as JobOptions, reserved)) {
    holdName(turn, row, key, reserved.folder, reserved.suffix);
  }
}

async function rebuildAnswers({ db, now, run }: Rebuild, account: string): Promise<void> {
  for (let after = { key_id: "", key: "" }; ; ) {
    const page = await answersAfter(db, account, after, now() - IDEMPOTENCY_KEPT_MS);
    const last = page.at(-1);
    if (last === undefined) return;
    run((turn) => {
      for (const row of page) {
        turn.sql.run(
          `INSERT INTO idempotency (account_id, key_id, key, fingerprint, owner, began_at, event, body)
           VALUES (?, ?, ?, ?, '', ?, ?, ?)`,
          row.account_id,
          row.key_id,
          row.key,
          row.fingerprint,
          row.began_at,
          row.event,
          row.body,
        );
      }
    });
    after = last;
  }
}

async function rebuildNames({ db, run }: Rebuild, { id, store_prefix }: AccountToRebuild): Promise<void> {
  for (let after = { path: "", file_id: "" }; ; ) {
    const page = await filesAfter(db, id, after);
    const last = page.at(-1);
    if (last === undefined) return;
    run((turn) => {
      for (const file of page) {
        const job = { id: file.job_id, account_id: id, target_id: file.target_id };
        for (const key of keysOf(file, store_prefix)) {
          holdName(turn, job, key, key.slice(0, Math.max(0, key.lastIndexOf("/"))));
        }
      }
    });
    after = last;
  }
}

/** A managed file that was moved may lie under its old key still: there nothing else can be written. */
function keysOf({ path, store_key, target_id }: FileRow, prefix: string): Set<string> {
  const lies = target_id === MANAGED_TARGET && store_key.startsWith(prefix) ? store_key.slice(prefix.length) : path;
  return new Set([path, lies]);
}

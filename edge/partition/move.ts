/**
 * The only way a job changes its state. One place checks the table of transitions, keeps the counters equal to the
 * rows, raises the version, and writes the event that carries the change to the sinks.
 */
import { countMember, isMember, type LiveBatch, type ParentEnd, settleBatch } from "./batches.ts";
import { type AttemptRow, type EventType, recordEvent, terminalEventType } from "./events.ts";
import { type AccountLoad, changesLoad } from "./figures.ts";
import type { JobRow, LiveJob } from "./job-row.ts";
import { countKeyMove } from "./keys.ts";
import type { Sql } from "./sql.ts";
import { apiStatus, HOLDS_NODE, isTerminal, type State, TRANSITIONS } from "./states.ts";
import { type Turn, tokenOf } from "./turn.ts";

/** A way that the table does not have: a bug in the core, never a client's fault. */
export class IllegalMove extends Error {
  override name = "IllegalMove";
}

export function getJobRow(sql: Sql, id: string): LiveJob | undefined {
  return sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", id);
}

export function getJob(turn: Turn, id: string): LiveJob | undefined {
  return getJobRow(turn.sql, id);
}

/** The columns that a change of state looks at. A lease reads hundreds of jobs a call, and no more of each than it needs. */
export const MOVABLE_COLUMNS = [
  "id",
  "account_id",
  "key_id",
  "role",
  "state",
  "step",
  "version",
  "batch_id",
  "batch_index",
  "created_at",
  "bytes_reserved",
  "progress",
  "error",
  "error_type",
  "error_class",
  "winner",
  "media_key",
  "file_size",
  "node_id",
  "traceparent",
] as const satisfies readonly (keyof LiveJob)[];

export type MovableJob = Pick<LiveJob, (typeof MOVABLE_COLUMNS)[number]>;

/** Writes some columns of a job and raises its version, without a change of state. */
export function patchJob<Job extends Pick<LiveJob, "id" | "version">>(
  turn: Turn,
  job: Job,
  patch: Partial<LiveJob>,
): Job {
  const changed: Partial<LiveJob> = { ...patch, version: job.version + 1 };
  const columns = Object.keys(changed);
  turn.sql.run(
    `UPDATE jobs SET ${columns.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ...columns.map((column) => changed[column as keyof LiveJob] ?? null),
    job.id,
  );
  return { ...job, ...changed };
}

/** Counter columns of `accounts`, by API status. */
const COUNTERS = {
  Pending: "pending",
  Processing: "processing",
  Completed: "completed",
  Failed: "failed",
  Warning: "warning",
  Skipped: "skipped",
} as const;

/**
 * Adjusts the account's counters for a job that appears (`from` null) or changes its state, and those of its key.
 *
 * @param released bytes that the job does not reserve any more.
 * @param times for so many jobs alike: a list of a thousand is one row written, not a thousand.
 */
export function countMove(
  turn: Turn,
  job: Pick<JobRow, "account_id" | "key_id">,
  from: State | null,
  to: State,
  released = 0,
  times = 1,
): void {
  const delta = new Map<string, number>();
  const add = (column: string, by: number) => delta.set(column, (delta.get(column) ?? 0) + by);
  if (from !== null) {
    add(COUNTERS[apiStatus(from)], -1);
    if (from === "queued") add("ready", -1);
    if (HOLDS_NODE.includes(from)) add("active", -1);
  }
  add(COUNTERS[apiStatus(to)], 1);
  if (to === "queued") add("ready", 1);
  if (HOLDS_NODE.includes(to)) add("active", 1);
  add("bytes_reserved", -released);
  const changes = [...delta]
    .filter(([, by]) => by !== 0)
    .map(([column, by]) => `${column} = ${column} + (${by * times})`);
  const update = `UPDATE accounts SET ${[...changes, "version = version + 1"].join(", ")} WHERE id = ?`;
  if (changesLoad(from, to)) {
    const load = turn.sql.get<AccountLoad>(`${update} RETURNING ready, active, max_concurrent, paused`, job.account_id);
    turn.figures.moved(from, to, times, load);
  } else {
    // A hand-out, for one: nothing is to be read.
    turn.sql.run(update, job.account_id);
    turn.figures.moved(from, to, times, undefined);
  }
  countKeyMove(turn, job, from, to, times);
}

function stepOf({ state, step }: Pick<JobRow, "state" | "step">): string | null {
  return state === "running" ? (step ?? "extract") : null;
}

/** States in which the attempt that looked the job up goes on. */
const KEEPS_ROOM: readonly State[] = ["running", "finishing"];

export interface MoveExtras {
  /** Told to the sinks instead of the state's own event. */
  event?: EventType;
  attempt?: AttemptRow | null;
}

/**
 * Moves a job. A terminal state also stores its outcome and `terminal_event_id`; every other one writes the event named
 * in `extras`, or none (a hand-out that nobody confirmed is invisible outside, and would cost two rows a try).
 */
export function moveJob<Job extends MovableJob>(
  turn: Turn,
  job: Job,
  to: State,
  patch: Partial<LiveJob>,
  extras: MoveExtras = {},
): Job {
  if (TRANSITIONS[job.state][to] === undefined) throw new IllegalMove(`${job.id}: ${job.state} → ${to}`);
  const terminal = isTerminal(to);
  const full: Partial<LiveJob> = { ...patch, state: to, status: apiStatus(to) };
  if (terminal) {
    full.finished_at = Math.max(turn.now, job.created_at);
    // Inline secrets live only as long as the job does (jobs API 9.2).
    full.sealed = null;
    full.manifest = null;
  }
  // Whatever ends an attempt lets go of the room that it had reserved (jobs API 3.3).
  const released = KEEPS_ROOM.includes(to) ? 0 : job.bytes_reserved;
  if (released > 0) full.bytes_reserved = 0;
  let moved = patchJob(turn, job, full);
  if (extras.attempt != null) tellAttempt(turn, job, to, extras.attempt);
  countMove(turn, job, job.state, to, released);
  turn.figures.stepped(stepOf(job), stepOf(moved));
  const batchId = isMember(moved) ? moved.batch_id : null;
  if (batchId !== null) countMember(turn, batchId, job.state, to);
  if (terminal) {
    const type = terminalEventType(to);
    if (type === null) throw new IllegalMove(`${job.id}: no event for ${to}`);
    const event = recordEvent(turn, moved, type, extras.attempt ?? null);
    turn.sql.run("UPDATE jobs SET terminal_event_id = ? WHERE id = ?", event, job.id);
    moved = { ...moved, terminal_event_id: event };
    turn.sql.run(
      "INSERT INTO outcomes (job_id, winner, state, ended_at) VALUES (?, ?, ?, ?)",
      job.id,
      moved.winner,
      to,
      turn.now,
    );
    if (to !== "completed") countEnd(turn, to, moved.error_class);
  } else if (extras.event !== undefined) {
    recordEvent(turn, moved, extras.event, extras.attempt ?? null);
  }
  if (to === "queued") turn.effects.ring = true;
  if (to === "completed" && batchId !== null && moved.batch_index === 0) {
    turn.sql.run(
      "UPDATE batches SET first_key = ?, first_size = ? WHERE id = ?",
      moved.media_key,
      moved.file_size,
      batchId,
    );
  }
  // Last, so that `batch.completed` follows this job's own event.
  if (terminal && batchId !== null) settle(turn, batchId);
  return moved;
}

/** Ends a batch that is over, its parent first. */
export function settle(turn: Turn, batchId: string): void {
  settleBatch(turn, batchId, (parent, batch, end) => endParent(turn, parent, batch, end));
}

/** The parent of a batch that is over ends as its batch did, with the first child's file size (jobs API 3.4). */
function endParent(turn: Turn, id: string, batch: LiveBatch, end: ParentEnd): void {
  const parent = getJob(turn, id);
  if (parent === undefined || parent.state !== "parent") return;
  if (end.state === "completed") {
    moveJob(turn, parent, "completed", { progress: 100, media_key: batch.first_key, file_size: batch.first_size });
    return;
  }
  const rule = end.state === "warning" ? { error_type: "warning" } : { error_type: "error" };
  moveJob(turn, parent, end.state, { ...rule, error: end.error, error_class: "list" });
}

function tellAttempt(turn: Turn, job: MovableJob, state: State, { attempt, outcome }: AttemptRow): void {
  const { id, node_id: node, traceparent } = job;
  turn.effects.attempts.push({ job: id, token: tokenOf(turn, attempt), node, outcome, state, traceparent });
}

/** For the metrics. Completed jobs have a counter of their own. */
function countEnd(turn: Turn, state: State, failureClass: string | null): void {
  turn.sql.run(
    "INSERT INTO end_counts (status, class, n) VALUES (?, ?, 1) ON CONFLICT (status, class) DO UPDATE SET n = n + 1",
    state,
    failureClass ?? "",
  );
}

/** The attempts row of the hand-out that a job is in, ended or not. */
export function attemptRow(
  turn: Turn,
  job: LiveJob,
  ended: { outcome: string; error: string | null } | null,
): AttemptRow {
  return {
    job_id: job.id,
    attempt: job.attempt,
    epoch: turn.epoch,
    node: job.node_name ?? "",
    began: job.started_at ?? turn.now,
    ended: ended === null ? null : turn.now,
    outcome: ended?.outcome ?? null,
    error: ended?.error ?? null,
  };
}

/** Tells the node that runs this attempt, if any, to kill it. */
export function killAttempt(turn: Turn, job: LiveJob): void {
  if (job.node_id === null) return;
  turn.effects.kills.push({ node: job.node_id, job: job.id, token: tokenOf(turn, job.attempt) });
}

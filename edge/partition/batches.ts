/**
 * Batches: a set of jobs made together. The row's counters are the sums over its members' states, changed in the same
 * transaction as the member, so that they add up at every read (jobs API 6.1).
 */
import { recordBatchEvent } from "./batch-events.ts";
import type { LiveJob } from "./job-row.ts";
import { apiStatus, isTerminal, type State } from "./states.ts";
import type { Turn } from "./turn.ts";

export type BatchKind = "show" | "playlist" | "bulk";
export type BatchStatus = "paused" | "processing" | "completed" | "finished";

export interface BatchRow {
  id: string;
  account_id: string;
  kind: BatchKind;
  /** The list's URL; null for bulk. */
  source_url: string | null;
  folder: string | null;
  status: BatchStatus;
  version: number;
  /** The job whose URL turned out to be this list. */
  parent_job_id: string | null;
  webhook_url: string | null;
  total: number;
  completed: number;
  /** `Failed` and `Warning`, cancelled ones included. */
  failed: number;
  skipped: number;
  /** The part of `failed` that was cancelled. */
  cancelled: number;
  processing: number;
  /** 1: the source had more entries than were taken. */
  truncated: number;
  created_at: number;
  finished_at: number | null;
  terminal_event_id: number | null;
}

/** Only while the batch is live. */
export interface LiveBatch extends BatchRow {
  /** Of the first child, which may retire long before its batch ends: a parent that completes shows them as its own. */
  first_key: string | null;
  first_size: number | null;
}

export const BATCH_COLUMNS = [
  "id",
  "account_id",
  "kind",
  "source_url",
  "folder",
  "status",
  "version",
  "parent_job_id",
  "webhook_url",
  "total",
  "completed",
  "failed",
  "skipped",
  "cancelled",
  "processing",
  "truncated",
  "created_at",
  "finished_at",
  "terminal_event_id",
] as const satisfies readonly (keyof BatchRow)[];

export type NewBatch = Pick<
  BatchRow,
  "id" | "account_id" | "kind" | "source_url" | "folder" | "parent_job_id" | "webhook_url" | "created_at"
> & { paused: boolean; truncated: boolean; total: number };

/** By primary key. */
export function getBatch(turn: Turn, id: string): LiveBatch | undefined {
  return turn.sql.get<LiveBatch>("SELECT * FROM batches WHERE id = ?", id);
}

/** Writes one batch row as it is; also how a rebuild puts back what D1 kept. */
export function insertBatchRow(turn: Turn, batch: LiveBatch): void {
  const columns = [...BATCH_COLUMNS, "first_key", "first_size"] as const;
  turn.sql.run(
    `INSERT INTO batches (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...columns.map((column) => batch[column]),
  );
}

/** Writes the row and tells the streams; the members follow in the same transaction. Returns the event's id. */
export function createBatch(turn: Turn, { paused, truncated, ...batch }: NewBatch): number {
  const row: LiveBatch = {
    ...batch,
    status: paused ? "paused" : "processing",
    version: 1,
    completed: 0,
    failed: 0,
    skipped: 0,
    cancelled: 0,
    processing: 0,
    truncated: truncated ? 1 : 0,
    finished_at: null,
    terminal_event_id: null,
    first_key: null,
    first_size: null,
  };
  insertBatchRow(turn, row);
  return recordBatchEvent(turn, row, "batch.created");
}

/** A parent bears its batch's id and is none of its members. */
export function isMember(job: Pick<LiveJob, "batch_id" | "role">): boolean {
  return job.batch_id !== null && job.role !== "parent";
}

/** The share of one member's state in each counter. */
function shares(state: State): Partial<Record<"processing" | "completed" | "failed" | "skipped" | "cancelled", 1>> {
  if (state === "cancelled") return { failed: 1, cancelled: 1 };
  switch (apiStatus(state)) {
    case "Processing":
      return { processing: 1 };
    case "Completed":
      return { completed: 1 };
    case "Failed":
    case "Warning":
      return { failed: 1 };
    case "Skipped":
      return { skipped: 1 };
    case "Pending":
      return {};
  }
}

/** Keeps the counters equal to the members' states. */
export function countMember(turn: Turn, batchId: string, from: State, to: State): void {
  const before = shares(from);
  const after = shares(to);
  const changes = (["processing", "completed", "failed", "skipped", "cancelled"] as const)
    .map((column) => [column, (after[column] ?? 0) - (before[column] ?? 0)] as const)
    .filter(([, by]) => by !== 0)
    .map(([column, by]) => `${column} = ${column} + (${by})`);
  if (changes.length === 0) return;
  turn.sql.run(`UPDATE batches SET ${changes.join(", ")}, version = version + 1 WHERE id = ?`, batchId);
}

/** How a parent ends with its batch (jobs API 3.4). */
export type ParentEnd = { state: "completed" } | { state: "warning" | "failed"; error: string };

/**
 * After a member ended: the batch ends with its last one. The parent ends first, because `batch.completed` follows the
 * terminal events of all its jobs and of its parent.
 */
export function settleBatch(
  turn: Turn,
  batchId: string,
  endParent: (parentId: string, batch: LiveBatch, end: ParentEnd) => void,
): void {
  const batch = getBatch(turn, batchId);
  if (batch === undefined || batch.finished_at !== null) return;
  if (batch.completed + batch.failed + batch.skipped < batch.total) {
    turn.effects.batches.push(batchId);
    return;
  }
  const lost = batch.failed + batch.skipped;
  if (batch.parent_job_id !== null) endParent(batch.parent_job_id, batch, parentEnd(batch, lost));
  const over: LiveBatch = {
    ...batch,
    status: lost === 0 ? "completed" : "finished",
    finished_at: Math.max(turn.now, batch.created_at),
    version: batch.version + 1,
  };
  const event = recordBatchEvent(turn, over, "batch.completed");
  turn.sql.run(
    "UPDATE batches SET status = ?, finished_at = ?, version = ?, terminal_event_id = ? WHERE id = ?",
    over.status,
    over.finished_at,
    over.version,
    event,
    batchId,
  );
}

function parentEnd(batch: BatchRow, lost: number): ParentEnd {
  if (lost === 0) return { state: "completed" };
  if (batch.completed === 0) {
    return { state: "failed", error: `None of the ${batch.total} items could be downloaded` };
  }
  return { state: "warning", error: `${lost} of ${batch.total} items could not be downloaded` };
}

/** One decimal. */
export function batchProgress(batch: Pick<BatchRow, "completed" | "failed" | "skipped" | "total">): number {
  if (batch.total === 0) return 100;
  return Math.round(((batch.completed + batch.failed + batch.skipped) / batch.total) * 1000) / 10;
}

/** Members that have not ended, in batch order. Uses job_batch(batch_id). */
export function openMembers(turn: Turn, batchId: string): LiveJob[] {
  return turn.sql
    .all<LiveJob>("SELECT * FROM jobs WHERE batch_id = ? AND role <> 'parent' ORDER BY batch_index", batchId)
    .filter((job) => !isTerminal(job.state));
}

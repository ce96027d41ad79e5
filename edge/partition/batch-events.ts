/** Events of batches (jobs API 7): the same keys in each. */
import { type BatchRow, batchProgress } from "./batches.ts";
import type { Turn } from "./turn.ts";

export type BatchEventType = "batch.created" | "batch.progress" | "batch.completed";

export interface BatchEventData {
  id: string;
  type: string;
  time: number;
  batch_id: string;
  kind: string;
  status: string;
  progress: number;
  total_episodes: number;
  completed_episodes: number;
  failed_episodes: number;
  skipped_episodes: number;
}

export function batchEventData(batch: BatchRow, id: number, type: BatchEventType, time: number): BatchEventData {
  return {
    id: String(id),
    type,
    time,
    batch_id: batch.id,
    kind: batch.kind,
    status: batch.status,
    progress: batchProgress(batch),
    total_episodes: batch.total,
    completed_episodes: batch.completed,
    failed_episodes: batch.failed,
    skipped_episodes: batch.skipped,
  };
}

/** Writes one event row about a batch as it now stands; returns its id. */
export function recordBatchEvent(turn: Turn, batch: BatchRow, type: Exclude<BatchEventType, "batch.progress">): number {
  const id = turn.ids.next(turn.now);
  turn.sql.run(
    "INSERT INTO events (id, account_id, job_id, batch_id, type, data, attempt) VALUES (?, ?, NULL, ?, ?, ?, NULL)",
    id,
    batch.account_id,
    batch.id,
    type,
    JSON.stringify(batchEventData(batch, id, type, turn.now)),
  );
  return id;
}

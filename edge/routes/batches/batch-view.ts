import { type BatchRow, batchProgress } from "../../partition/batches.ts";

/** The body of `GET /batch/{id}` (jobs API 6.1). All kinds have the same keys. */
export function batchView(batch: BatchRow, jobIds: readonly string[]) {
  const ended = batch.completed + batch.failed + batch.skipped;
  return {
    id: batch.id,
    show_url: batch.source_url,
    status: batch.status,
    folder: batch.folder,
    total_episodes: batch.total,
    completed_episodes: batch.completed,
    failed_episodes: batch.failed,
    skipped_episodes: batch.skipped,
    episode_jobs: jobIds,
    cancelled_episodes: batch.cancelled,
    pending_episodes: batch.total - ended - batch.processing,
    processing_episodes: batch.processing,
    progress: batchProgress(batch),
    kind: batch.kind,
    created_at: batch.created_at,
    finished_at: batch.finished_at,
  };
}

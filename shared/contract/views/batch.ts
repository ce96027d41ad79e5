/** Batches (jobs API 6): all kinds have the same keys. */
import { z } from "zod";
import { choice, decimal, EXAMPLE_BATCH, EXAMPLE_ITEMS, id, list, millis, orNull, text, whole } from "./fields.ts";

export const BATCH_STATUSES = ["paused", "processing", "completed", "finished"] as const;
const status = choice(
  BATCH_STATUSES,
  "`finished` is over with some failed or skipped; it and `completed` are terminal",
);
export const batchKind = choice(["show", "playlist", "bulk"], "Where its items came from");

export const batchCounters = {
  status,
  total_episodes: whole("Jobs of the batch"),
  completed_episodes: whole("`Completed` jobs"),
  failed_episodes: whole("`Failed` and `Warning` jobs, cancelled ones included"),
  skipped_episodes: whole("`Skipped` jobs"),
};
export const batchProgress = decimal("Share of the jobs that are over, 0–100, one decimal");

export const Batch = z
  .object({
    id: id("Id of the batch"),
    show_url: orNull(text("URL of the source list, playlists too; null for bulk")),
    status,
    folder: orNull(text("As sent")),
    total_episodes: batchCounters.total_episodes,
    completed_episodes: batchCounters.completed_episodes,
    failed_episodes: batchCounters.failed_episodes,
    skipped_episodes: batchCounters.skipped_episodes,
    episode_jobs: list(z.string(), "Ids of the jobs, in batch order"),
    cancelled_episodes: whole("The part of `failed_episodes` that was cancelled"),
    pending_episodes: whole("`Pending` jobs"),
    processing_episodes: whole("`Processing` jobs"),
    progress: batchProgress,
    kind: batchKind,
    created_at: millis("When it was created"),
    finished_at: orNull(millis("When its last job ended")),
  })
  .meta({
    id: "Batch",
    description: "completed + failed + skipped + pending + processing = total, at every read.",
    examples: [
      {
        id: EXAMPLE_BATCH,
        show_url: "https://open.spotify.com/show/s1",
        status: "processing",
        folder: "my-podcast",
        total_episodes: 3,
        completed_episodes: 1,
        failed_episodes: 1,
        skipped_episodes: 0,
        episode_jobs: [...EXAMPLE_ITEMS, "01a2310c-eb63-781f-a8e2-5d940ed90475"],
        cancelled_episodes: 1,
        pending_episodes: 0,
        processing_episodes: 1,
        progress: 66.7,
        kind: "show",
        created_at: 1_796_119_260_000,
        finished_at: null,
      },
    ],
  });

export const RenamesDone = z
  .object({
    updated: whole("Jobs that have their new name"),
    errors: list(
      z.string(),
      "One text per rename not done: `Job <job_id> does not belong to this batch`, `Job <job_id> is not pending`",
    ),
  })
  .meta({
    id: "RenamesDone",
    description: "Part success is a success.",
    examples: [{ updated: 1, errors: [] }],
  });

export const BatchStarted = z
  .object({
    batch_id: id("Id of the batch"),
    started_jobs: whole("Jobs that were let go; cancelled ones are left out"),
    status,
  })
  .meta({
    id: "BatchStarted",
    description: "The jobs of the batch may run.",
    examples: [{ batch_id: EXAMPLE_BATCH, started_jobs: 2, status: "processing" }],
  });

export const BatchCancelled = z
  .object({ batch_id: id("Id of the batch"), cancelled_jobs: whole("Jobs that this call cancelled; may be 0") })
  .meta({
    id: "BatchCancelled",
    description: "What was pending is cancelled.",
    examples: [{ batch_id: EXAMPLE_BATCH, cancelled_jobs: 2 }],
  });

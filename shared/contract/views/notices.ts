/** Bodies of webhooks (jobs API 8.1). */
import { z } from "zod";
import { choice, EXAMPLE_BATCH, EXAMPLE_JOB, EXAMPLE_URL, id, orNull, text, whole } from "./fields.ts";

const job = { job_id: id("Id of the job") };
const url = { url: text("URL of the job, as sent") };
const echo = {
  metadata: z.record(z.string(), z.unknown()).describe("The client's own JSON; only if the job has one").optional(),
};
const always = <const Value extends string>(value: Value) => z.literal(value).describe(`Always \`${value}\``);
const spotify = "https://open.spotify.com/episode/e1";

const JobCompletedNotice = z
  .object({
    type: always("job_completed"),
    ...job,
    status: always("completed"),
    ...url,
    key: text("Key of the media file in the storage"),
    folder: orNull(text("As sent")),
    title: orNull(text("From the source")),
    description: orNull(text("From the source; null for Spotify")),
    release_date: orNull(text("ISO 8601 UTC")),
    subtitle_key: orNull(text("Key of the first subtitle file")),
    s3_url: orNull(text("Signed URL of the media file, 24 h from the event")),
    ...echo,
  })
  .meta({
    id: "JobCompletedNotice",
    description: "A job has its file.",
    examples: [
      {
        type: "job_completed",
        job_id: EXAMPLE_JOB,
        status: "completed",
        url: EXAMPLE_URL,
        key: "videos/talks/A talk.mp4",
        folder: "talks",
        title: "A talk",
        description: "Recorded on stage",
        release_date: "2026-10-25T00:00:00Z",
        subtitle_key: null,
        s3_url: "https://files.example.com/f/4kQz/videos/talks/A%20talk.mp4?expires=1796205609&signature=9f2c",
      },
    ],
  });

const JobFailedNotice = z
  .object({ type: always("job_failed"), ...job, status: always("failed"), ...url, error: text("Why"), ...echo })
  .meta({
    id: "JobFailedNotice",
    description: "A job failed for a technical reason. None for cancelled jobs.",
    examples: [
      {
        type: "job_failed",
        job_id: EXAMPLE_JOB,
        status: "failed",
        url: EXAMPLE_URL,
        error: "Network error while downloading",
      },
    ],
  });

const JobWarningNotice = z
  .object({ type: always("job_warning"), ...job, status: always("warning"), ...url, error: text("Why"), ...echo })
  .meta({
    id: "JobWarningNotice",
    description: "A job failed for a reason that lies in the content.",
    examples: [
      { type: "job_warning", job_id: EXAMPLE_JOB, status: "warning", url: EXAMPLE_URL, error: "Video is private" },
    ],
  });

const JobSkippedNotice = z
  .object({ type: always("job_skipped"), ...job, status: always("skipped"), ...url, reason: text("Why"), ...echo })
  .meta({
    id: "JobSkippedNotice",
    description: "A job cannot be processed.",
    examples: [
      {
        type: "job_skipped",
        job_id: EXAMPLE_JOB,
        status: "skipped",
        url: spotify,
        reason: "Content is protected by DRM",
      },
    ],
  });

const BatchCompletedNotice = z
  .object({
    type: always("batch_completed"),
    batch_id: id("Id of the batch"),
    show_url: orNull(text("URL of the source list")),
    folder: orNull(text("As sent")),
    completed: whole("`Completed` jobs"),
    failed: whole("`Failed` and `Warning` jobs, cancelled ones included"),
    skipped: whole("`Skipped` jobs"),
    total: whole("Jobs of the batch"),
    status: choice(["completed", "finished"], "`finished`: some failed or were skipped"),
  })
  .meta({
    id: "BatchCompletedNotice",
    description: "The last job of a batch has ended.",
    examples: [
      {
        type: "batch_completed",
        batch_id: EXAMPLE_BATCH,
        show_url: "https://open.spotify.com/show/s1",
        folder: "my-podcast",
        completed: 140,
        failed: 1,
        skipped: 1,
        total: 142,
        status: "finished",
      },
    ],
  });

const ProgressNotice = z
  .object({
    type: always("progress"),
    ...job,
    stage: choice(
      ["downloading", "download_complete", "muxing", "mux_complete", "uploading", "completed"],
      "Each at most once per job",
    ),
    progress_percent: whole("0, 33, 33, 66, 66 or 100, by stage"),
  })
  .meta({
    id: "ProgressNotice",
    description: "Only with `enable_progress_webhook`; one try.",
    examples: [{ type: "progress", job_id: EXAMPLE_JOB, stage: "muxing", progress_percent: 33 }],
  });

/** All of them, by their `type`. */
export const NOTICES = {
  job_completed: JobCompletedNotice,
  job_failed: JobFailedNotice,
  job_warning: JobWarningNotice,
  job_skipped: JobSkippedNotice,
  batch_completed: BatchCompletedNotice,
  progress: ProgressNotice,
};

/** What creates answer: 201 with these bodies, 200 with `cached` when an idempotency key is replayed (jobs API 1.4, 3.3, 3.8, 4). */
import { z } from "zod";
import {
  EXAMPLE_BATCH,
  EXAMPLE_ITEMS,
  EXAMPLE_JOB,
  EXAMPLE_URL,
  flag,
  id,
  list,
  orNull,
  text,
  whole,
} from "./fields.ts";

const [FIRST, SECOND] = EXAMPLE_ITEMS;
const cached = { cached: z.literal(true).describe("The first answer of this idempotency key; nothing was created") };
const truncated = flag("The source had more entries than `playlist_limit`");
const paused = flag("The batch is held until it is started");
const item = {
  job_id: id("Id of the job"),
  url: text("URL of the item"),
  title: orNull(text("Title of the item")),
};

export const JobCreated = z
  .object({ job_id: id("Id of the new job") })
  .meta({ id: "JobCreated", description: "A single item became one job.", examples: [{ job_id: EXAMPLE_JOB }] });

const Episode = z
  .object({
    ...item,
    description: orNull(text("Description of the episode")),
    release_date: orNull(text("ISO 8601 UTC")),
  })
  .meta({ id: "Episode", description: "An episode of a show and its job." });

export const ShowCreated = z
  .object({
    batch_id: id("Id of the new batch"),
    total_episodes: whole("Created jobs"),
    paused,
    truncated,
    episodes: list(Episode, "In the order of the source"),
    episode_jobs: list(z.string(), "The ids again, for older clients"),
  })
  .meta({
    id: "ShowCreated",
    description: "A Spotify show became a batch.",
    examples: [
      {
        batch_id: EXAMPLE_BATCH,
        total_episodes: 2,
        paused: false,
        truncated: false,
        episodes: [
          {
            job_id: FIRST,
            url: "https://open.spotify.com/episode/e1",
            title: "Pilot",
            description: "How it began",
            release_date: "2026-01-19T06:00:00Z",
          },
          {
            job_id: SECOND,
            url: "https://open.spotify.com/episode/e2",
            title: "Second",
            description: null,
            release_date: null,
          },
        ],
        episode_jobs: [FIRST, SECOND],
      },
    ],
  });

export const PlaylistCreated = z
  .object({
    batch_id: id("Id of the new batch"),
    total_videos: whole("Created jobs"),
    video_jobs: list(z.string(), "Ids of the jobs, in the order of the source"),
    paused,
    truncated,
    videos: list(
      z.object(item).meta({ id: "PlaylistVideo", description: "An entry of a playlist and its job." }),
      "In the order of the source",
    ),
  })
  .meta({
    id: "PlaylistCreated",
    description: "A playlist, channel or mix became a batch.",
    examples: [
      {
        batch_id: EXAMPLE_BATCH,
        total_videos: 1,
        video_jobs: [FIRST],
        paused: false,
        truncated: false,
        videos: [{ job_id: FIRST, url: EXAMPLE_URL, title: "First" }],
      },
    ],
  });

export const BulkCreated = z
  .object({
    batch_id: id("Id of the new batch, of kind `bulk`"),
    total_jobs: whole("Created jobs"),
    job_ids: list(z.string(), "Ids of the jobs, in the order of the items"),
    paused,
  })
  .meta({
    id: "BulkCreated",
    description: "All items became jobs of one batch.",
    examples: [{ batch_id: EXAMPLE_BATCH, total_jobs: 2, job_ids: [FIRST, SECOND], paused: false }],
  });

export const JobRetried = z
  .object({
    job_id: id("Id of the new job"),
    original_job_id: id("Id of the old one, which is untouched"),
    message: text("For a human"),
  })
  .meta({
    id: "JobRetried",
    description: "A new job with the same parameters.",
    examples: [
      {
        job_id: "01a2310d-d5c0-7160-8999-50d836f675cc",
        original_job_id: EXAMPLE_JOB,
        message: "Job re-queued successfully",
      },
    ],
  });

/** The 200 of a replayed idempotency key. */
export const JobReplayed = JobCreated.extend(cached).meta({ id: "JobReplayed", description: "A replay." });
export const ShowReplayed = ShowCreated.extend(cached).meta({ id: "ShowReplayed", description: "A replay." });
export const PlaylistReplayed = PlaylistCreated.extend(cached).meta({
  id: "PlaylistReplayed",
  description: "A replay.",
});
export const BulkReplayed = BulkCreated.extend(cached).meta({ id: "BulkReplayed", description: "A replay." });
export const RetryReplayed = JobRetried.extend(cached).meta({ id: "RetryReplayed", description: "A replay." });

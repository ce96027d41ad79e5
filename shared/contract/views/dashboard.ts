/** The dashboard (jobs API 10). */
import { z } from "zod";
import { BATCH_STATUSES } from "./batch.ts";
import {
  choice,
  decimal,
  EXAMPLE_BATCH,
  EXAMPLE_JOB,
  EXAMPLE_URL,
  flag,
  id,
  list,
  millis,
  orNull,
  text,
  whole,
} from "./fields.ts";
import { error, status } from "./job.ts";

export const DashboardStats = z
  .object({
    total_jobs: whole("All jobs: the sum of the four states"),
    pending_jobs: whole("`Pending` jobs"),
    processing_jobs: whole("`Processing` jobs"),
    completed_jobs: whole("`Completed` jobs"),
    failed_jobs: whole("`Failed`, `Warning` and `Skipped` jobs"),
    storage_used_bytes: whole("Cumulative transfer"),
    storage_used_gb: decimal("The same in GiB, two decimals"),
    client_name: text("Name of the account"),
    avg_processing_time_seconds: orNull(decimal("Average over the last 24 h; null without a completed job")),
    today_throughput_bytes: whole("Bytes of the jobs completed on this UTC day"),
  })
  .meta({
    id: "DashboardStats",
    description: "Figures of the account.",
    examples: [
      {
        total_jobs: 812,
        pending_jobs: 4,
        processing_jobs: 8,
        completed_jobs: 770,
        failed_jobs: 30,
        storage_used_bytes: 21_474_836_480,
        storage_used_gb: 20,
        client_name: "Studio North",
        avg_processing_time_seconds: 31.5,
        today_throughput_bytes: 2_147_483_648,
      },
    ],
  });

const DashboardJob = z
  .object({
    id: id("Id of the job"),
    url: text("As sent"),
    status,
    error,
    s3_key: orNull(text("Key of the media file in the storage")),
    created_at: millis("When it was created"),
  })
  .meta({ id: "DashboardJob", description: "A job in the dashboard's list." });

export const DashboardJobs = z
  .object({
    jobs: list(DashboardJob, "Newest first"),
    total: whole("Jobs that match the filter"),
    limit: whole("Page size in force"),
    offset: whole("As asked, not below 0"),
  })
  .meta({
    id: "DashboardJobs",
    description: "A page of jobs; here `total` follows the filter.",
    examples: [
      {
        jobs: [
          {
            id: EXAMPLE_JOB,
            url: EXAMPLE_URL,
            status: "Completed",
            error: null,
            s3_key: "videos/talks/A talk.mp4",
            created_at: 1_796_119_200_000,
          },
        ],
        total: 770,
        limit: 50,
        offset: 0,
      },
    ],
  });

const DashboardBatch = z
  .object({
    id: id("Id of the batch"),
    show_url: orNull(text("URL of the source list; null for bulk")),
    folder: orNull(text("As sent")),
    total_episodes: whole("Jobs of the batch"),
    completed_episodes: whole("`Completed` jobs"),
    failed_episodes: whole("`Failed` and `Warning` jobs, cancelled ones included"),
    status: choice(BATCH_STATUSES, "State of the batch"),
  })
  .meta({ id: "DashboardBatch", description: "A batch in the dashboard's list." });

export const DashboardBatches = z.object({ batches: list(DashboardBatch, "All kinds, newest first") }).meta({
  id: "DashboardBatches",
  description: "A page of batches.",
  examples: [
    {
      batches: [
        {
          id: EXAMPLE_BATCH,
          show_url: null,
          folder: null,
          total_episodes: 2,
          completed_episodes: 1,
          failed_episodes: 0,
          status: "processing",
        },
      ],
    },
  ],
});

export const DashboardDaily = z
  .object({
    daily_stats: list(
      z
        .object({
          date: text("UTC day, `YYYY-MM-DD`"),
          completed: whole("Jobs completed on that day"),
          failed: whole("`Failed`, `Warning` and `Skipped` of that day"),
        })
        .meta({ id: "DashboardDay", description: "One UTC day." }),
      "Seven UTC days, oldest first",
    ),
  })
  .meta({
    id: "DashboardDaily",
    description: "Empty days are zeros.",
    examples: [{ daily_stats: [{ date: "2026-12-01", completed: 61, failed: 3 }] }],
  });

export const DashboardCluster = z
  .object({
    total_downloading: whole("Jobs that download now"),
    total_muxing: whole("Jobs that mux now"),
    total_uploading: whole("Jobs that upload now"),
  })
  .meta({
    id: "DashboardCluster",
    description: "Jobs by step over the whole fleet.",
    examples: [{ total_downloading: 30, total_muxing: 7, total_uploading: 5 }],
  });

export const DashboardBilling = z.object({ billing_enabled: flag("Always false"), message: text("For a human") }).meta({
  id: "DashboardBilling",
  description: "Always this body.",
  examples: [{ billing_enabled: false, message: "Billing is not enabled on this server" }],
});

/** `GET /jobs` and `GET /batch/{id}/jobs` (jobs API 3.6, 6.3). Lists carry keys, never signed URLs. */
import { z } from "zod";
import { EXAMPLE_JOB, EXAMPLE_URL, id, list, millis, orNull, text, whole } from "./fields.ts";
import { error, errorType, metadata, progress, status, step } from "./job.ts";

const JobItem = z
  .object({
    id: id("Id of the job"),
    url: text("As sent"),
    status,
    s3_key: orNull(text("Key of the media file in the storage")),
    error,
    step,
    created_at: millis("When it was created"),
    finished_at: orNull(millis("When it ended")),
    file_size: orNull(whole("Bytes of the media file")),
    title: orNull(text("From the source, as soon as known")),
    error_type: errorType,
    folder: orNull(text("As sent")),
    batch_id: orNull(id("Batch that the job belongs to, or is the parent of")),
    progress,
    metadata,
  })
  .meta({ id: "JobItem", description: "A job in a list." });

export const JobList = z
  .object({
    jobs: list(JobItem, "The page: newest first, or in batch order"),
    total: whole("All jobs of the account or batch, whatever the filter"),
    limit: whole("Page size in force"),
    offset: whole("As asked, not below 0"),
    filtered_total: whole("Jobs that match the filter"),
    next_cursor: orNull(text("Where the next page begins; null on the last one")),
  })
  .meta({
    id: "JobList",
    description: "A page of jobs.",
    examples: [
      {
        jobs: [
          {
            id: EXAMPLE_JOB,
            url: EXAMPLE_URL,
            status: "Completed",
            s3_key: "videos/talks/A talk.mp4",
            error: null,
            step: "Finished",
            created_at: 1_796_119_200_000,
            finished_at: 1_796_119_209_000,
            file_size: 62_914_560,
            title: "A talk",
            error_type: null,
            folder: "talks",
            batch_id: null,
            progress: 100,
            metadata: null,
          },
        ],
        total: 142,
        limit: 20,
        offset: 0,
        filtered_total: 142,
        next_cursor: null,
      },
    ],
  });

/** What cancels and deletes answer (jobs API 3.7, 3.9). */
import { z } from "zod";
import { EXAMPLE_JOB, id, text } from "./fields.ts";

export const JobCancelled = z.object({ message: text("For a human"), job_id: id("Id of the job") }).meta({
  id: "JobCancelled",
  description: "The job is `Failed` with step `Cancelled` and never runs.",
  examples: [{ message: "Job cancelled successfully", job_id: EXAMPLE_JOB }],
});

export const FileDeleted = z
  .object({
    message: text("For a human"),
    job_id: id("Id of the job"),
    deleted_key: text("Key of the media file that is gone; side files went with it"),
  })
  .meta({
    id: "FileDeleted",
    description: "The record stays `Completed`, without file and URLs.",
    examples: [{ message: "File deleted successfully", job_id: EXAMPLE_JOB, deleted_key: "videos/talks/A talk.mp4" }],
  });

/** The data of streamed events (jobs API 7): the same keys in all of a kind. */
import { z } from "zod";
import { Batch, batchCounters, batchKind, batchProgress } from "./batch.ts";
import { choice, EXAMPLE_JOB, id, millis, orNull, text, whole } from "./fields.ts";
import { error, errorType, Job, progress, status, step } from "./job.ts";

const eventId = text("Decimal text, rising per account, never reused");
const time = millis("When it happened");

const EXAMPLE = {
  id: "48213",
  type: "job.progress",
  time: 1_796_119_204_000,
  job_id: EXAMPLE_JOB,
  batch_id: null,
  status: "Processing",
  step: "Downloading",
  progress: 21.4,
  eta_seconds: 9,
  speed_bytes_per_second: 14_979_657,
  error: null,
  error_type: null,
};

export const JobEvent = z
  .object({
    id: eventId,
    type: choice(
      [
        "job.created",
        "job.started",
        "job.progress",
        "job.completed",
        "job.failed",
        "job.warning",
        "job.skipped",
        "job.cancelled",
      ],
      "What happened to the job",
    ),
    time,
    job_id: id("Id of the job"),
    batch_id: orNull(id("Batch that the job belongs to, or is the parent of")),
    status,
    step,
    progress,
    eta_seconds: orNull(whole("Only while `Processing` and known")),
    speed_bytes_per_second: orNull(whole("Only while `Processing` and known")),
    error,
    error_type: errorType,
  })
  .meta({
    id: "JobEvent",
    description: "Data of all `job.*` events.",
    examples: [EXAMPLE],
  });

export const BatchEvent = z
  .object({
    id: eventId,
    type: choice(["batch.created", "batch.progress", "batch.completed"], "`batch.completed` for `finished` too"),
    time,
    batch_id: id("Id of the batch"),
    kind: batchKind,
    progress: batchProgress,
    ...batchCounters,
  })
  .meta({ id: "BatchEvent", description: "Data of all `batch.*` events." });

const snapshot = {
  id: text("The newest event that it reflects, as decimal text"),
  type: z.literal("snapshot").describe("Always `snapshot`"),
  time,
};

export const JobSnapshot = z
  .object({ ...snapshot, job: Job.describe("The whole body of `GET /jobs/{id}`") })
  .meta({ id: "JobSnapshot", description: "First event of a job stream." });

export const BatchSnapshot = z
  .object({ ...snapshot, batch: Batch.describe("The whole body of `GET /batch/{id}`") })
  .meta({ id: "BatchSnapshot", description: "First event of a batch stream." });

export const StreamReset = z
  .object({ id: eventId, type: z.literal("stream.reset").describe("Always `stream.reset`"), time })
  .meta({ id: "StreamReset", description: "The id asked for is too old: read the lists again." });

/** The example as a stream carries it. */
export const EVENT_STREAM_EXAMPLE = `id: ${EXAMPLE.id}\nevent: ${EXAMPLE.type}\ndata: ${JSON.stringify(EXAMPLE)}\n\n`;

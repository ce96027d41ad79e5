import { z } from "zod";

/** The states that a job never leaves. */
const TERMINAL = new Set(["Completed", "Failed", "Warning", "Skipped"]);

const FileSchema = z.object({
  kind: z.string(),
  key: z.string(),
  size: z.number().nullable(),
  url: z.string().nullable(),
});

/** The part of `GET /jobs/{id}` that the commands read; everything else is kept for `--json`. */
export const JobSchema = z.looseObject({
  id: z.string(),
  url: z.string(),
  status: z.string(),
  step: z.string(),
  s3_url: z.string().nullable(),
  error: z.string().nullable(),
  title: z.string().nullable(),
  file_size: z.number().nullable(),
  progress: z.number().nullable(),
  eta_seconds: z.number().nullable(),
  speed_bytes_per_second: z.number().nullable(),
  files: z.array(z.looseObject(FileSchema.shape)),
});
export type Job = z.infer<typeof JobSchema>;

/** What changes while a job runs: a `job.*` event, or the same fields of the job itself. */
export const JobStateSchema = z.object({
  status: z.string(),
  step: z.string(),
  progress: z.number().nullable(),
  eta_seconds: z.number().nullable(),
  speed_bytes_per_second: z.number().nullable(),
  error: z.string().nullable(),
});
export type JobState = z.infer<typeof JobStateSchema>;

/** One item of `GET /jobs`. */
const JobItemSchema = z.looseObject({
  id: z.string(),
  url: z.string(),
  status: z.string(),
  step: z.string(),
  created_at: z.number(),
  file_size: z.number().nullable(),
  title: z.string().nullable(),
  progress: z.number().nullable(),
});

export const JobListSchema = z.looseObject({ jobs: z.array(JobItemSchema), total: z.number() });

/** Whether a status is final. */
export function isTerminal(status: string): boolean {
  return TERMINAL.has(status);
}

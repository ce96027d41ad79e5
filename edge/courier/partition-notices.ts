/** The courier's sink: what a partition's events tell receivers, with the rows as they now stand. */

import { filesOf, firstChild } from "../db/jobs.ts";
import type { Env } from "../env.ts";
import { collectFlight, type FileRow } from "../partition/drain.ts";
import type { EventRow } from "../partition/events.ts";
import type { JobRow } from "../partition/job-row.ts";
import type { Sql } from "../partition/sql.ts";
import { fileUrls } from "../routes/files/file-urls.ts";
import { filesOrigin } from "../routes/origin.ts";
import { noticesFromEvents } from "./notices-from-events.ts";
import { sendNotices } from "./send-notices.ts";

/** Throws when a courier did not take its part; the flight is then repeated, and known ids are ignored. */
export async function sendPartitionNotices(env: Env, sql: Sql, events: readonly EventRow[]): Promise<void> {
  const telling = events.filter((event) => event.type.startsWith("job.") || TELLING.has(event.type));
  if (telling.length === 0) return;
  const flight = collectFlight(sql, telling);
  const jobs = new Map(flight.jobs.map((job) => [job.id, job]));
  const files = new Map<string, readonly FileRow[]>(Map.groupBy(flight.files, (file) => file.job_id));
  for (const parent of flight.jobs.filter((job) => job.role === "parent" && job.state === "completed")) {
    files.set(parent.id, await firstChildFiles(env, sql, parent));
  }
  const notices = await noticesFromEvents({
    events: telling,
    jobs,
    files,
    batches: new Map(flight.batches.map((batch) => [batch.id, batch])),
    s3UrlOf: (job) => mediaUrl(env, job, files.get(job.id) ?? []),
  });
  if (notices.length > 0) await sendNotices(env.COURIER, notices);
}

const TELLING = new Set([".job.stage", "batch.completed"]);

/** A first child may have retired long ago: D1 has its files then. */
async function firstChildFiles(env: Env, sql: Sql, parent: JobRow): Promise<readonly FileRow[]> {
  if (parent.batch_id === null) return [];
  const child = await firstChild(env.DB, parent.account_id, parent.batch_id);
  if (child === null) return [];
  const here = sql.all<FileRow>("SELECT * FROM files WHERE job_id = ? ORDER BY file_id", child);
  return here.length > 0 ? here : filesOf(env.DB, parent.account_id, child);
}

/** A URL of 24 h from now, on the origin that the job was created by unless the operator names another. */
async function mediaUrl(env: Env, job: JobRow, files: readonly FileRow[]): Promise<string | null> {
  const media = files.find((file) => file.kind === "media" && file.deleted_at === null);
  if (media === undefined) return null;
  return fileUrls(env, filesOrigin(env, job.origin))(media);
}

/** What a partition's events tell receivers, with the rows as they now stand. */
import type { Database } from "../db/database.ts";
import { filesOf, firstChild } from "../db/first-child.ts";
import { collectFlight, type FileRow } from "../partition/drain.ts";
import type { EventRow } from "../partition/events.ts";
import type { JobRow } from "../partition/job-row.ts";
import type { Sql } from "../partition/sql.ts";
import type { Notice } from "./notice.ts";
import { noticesFromEvents } from "./notices-from-events.ts";

export interface PartitionNoticesDeps {
  sql: Sql;
  db: Database;
  /** The URL of a job's media file, 24 h from now; null when it is out of reach. */
  sign(job: JobRow, media: FileRow): Promise<string | null>;
}

const TELLING = new Set([".job.stage", "batch.completed"]);
/** Nobody is sent these; reading the rows of a thousand new jobs for nothing took a tenth of their create. */
const SILENT = new Set(["job.created", "job.cancelled"]);

/** The notices of some events, in their order; the same events give the same ids. */
export async function partitionNotices(deps: PartitionNoticesDeps, events: readonly EventRow[]): Promise<Notice[]> {
  const telling = events.filter(({ type }) => (type.startsWith("job.") && !SILENT.has(type)) || TELLING.has(type));
  if (telling.length === 0) return [];
  const flight = collectFlight(deps.sql, telling);
  const jobs = new Map(flight.jobs.map((job) => [job.id, job]));
  const files = new Map<string, readonly FileRow[]>(Map.groupBy(flight.files, (file) => file.job_id));
  for (const parent of flight.jobs.filter((job) => job.role === "parent" && job.state === "completed")) {
    files.set(parent.id, await firstChildFiles(deps, parent));
  }
  return noticesFromEvents({
    events: telling,
    jobs,
    files,
    batches: new Map(flight.batches.map((batch) => [batch.id, batch])),
    s3UrlOf: async (job) => {
      const media = files.get(job.id)?.find((file) => file.kind === "media" && file.deleted_at === null);
      return media === undefined ? null : deps.sign(job, media);
    },
  });
}

/** A first child may have retired long ago: D1 has its files then. */
async function firstChildFiles({ sql, db }: PartitionNoticesDeps, parent: JobRow): Promise<readonly FileRow[]> {
  if (parent.batch_id === null) return [];
  const child = await firstChild(db, parent.account_id, parent.batch_id);
  if (child === null) return [];
  const here = sql.all<FileRow>("SELECT * FROM files WHERE job_id = ? ORDER BY file_id", child);
  return here.length > 0 ? here : filesOf(db, parent.account_id, child);
}

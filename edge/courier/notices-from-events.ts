/** From what happened to what is sent: the rules of jobs API 8.1 and 9.3 over a partition's events. */
import type { JobOptions } from "../../shared/contract/options.ts";
import type { FileRow } from "../partition/drain.ts";
import type { EventRow } from "../partition/events.ts";
import type { JobRow } from "../partition/job-row.ts";
import {
  batchCompletedBody,
  jobCompletedBody,
  jobFailedBody,
  jobSkippedBody,
  jobWarningBody,
  type NoticeBatch,
  progressBody,
} from "./bodies.ts";
import { deriveId } from "./derive-id.ts";
import type { Notice, OutcomeType } from "./notice.ts";
import { stagesReached } from "./progress-stages.ts";
import { slackBody } from "./slack.ts";

export interface NoticeSources {
  /** In the order of their ids. */
  events: readonly EventRow[];
  /** Rows as they stand now, by id. An event whose row is missing sends nothing. */
  jobs: ReadonlyMap<string, JobRow>;
  /** Files by job id; for a parent, those of its first child (jobs API 3.4). */
  files: ReadonlyMap<string, readonly FileRow[]>;
  batches: ReadonlyMap<string, NoticeBatch>;
  /** Signs the URL of a completed job's media file; null when it is out of reach. */
  s3UrlOf(job: JobRow): Promise<string | null>;
}

/** `job.cancelled` is left out: a cancel tells nobody (jobs API 3.7). */
const OUTCOMES: Record<string, OutcomeType> = {
  "job.completed": "job_completed",
  "job.failed": "job_failed",
  "job.warning": "job_warning",
  "job.skipped": "job_skipped",
};

/**
 * The notices of some events. The same events give the same ids and, but for the signature inside `s3_url`, the same
 * bytes; the courier takes each id once.
 *
 * @example await sendNotices(env.COURIER, await noticesFromEvents({ events, jobs, files, batches, s3UrlOf }))
 */
export async function noticesFromEvents(sources: NoticeSources): Promise<Notice[]> {
  const notices = new Map<string, Notice>();
  for (const event of sources.events) {
    const found = event.type === "batch.completed" ? await ofBatch(event, sources) : await ofJob(event, sources);
    // The first of an id: a later event proves the stages of an earlier one again.
    for (const notice of found) if (!notices.has(notice.id)) notices.set(notice.id, notice);
  }
  return [...notices.values()];
}

async function ofBatch(event: EventRow, { batches }: NoticeSources): Promise<Notice[]> {
  const batch = batches.get(event.batch_id ?? "");
  // Bulk sends nothing; its requests cannot even name a webhook.
  if (batch === undefined || batch.webhook_url === null || batch.kind === "bulk") return [];
  return [
    {
      id: await deriveId({ subject: batch.id, createdAt: batch.created_at, type: "batch_completed" }),
      account_id: batch.account_id,
      channel: "webhook",
      type: "batch_completed",
      job_id: null,
      batch_id: batch.id,
      url: batch.webhook_url,
      body: JSON.stringify(batchCompletedBody(batch)),
      created_at: batch.finished_at ?? timeOf(event),
      batch_rank: 2,
    },
  ];
}

async function ofJob(event: EventRow, sources: NoticeSources): Promise<Notice[]> {
  const job = sources.jobs.get(event.job_id ?? "");
  if (job === undefined) return [];
  const outcome = OUTCOMES[event.type];
  return [
    ...(await progressNotices(event, job)),
    ...(outcome === undefined ? [] : await outcomeNotices(outcome, event, job, sources)),
  ];
}

async function progressNotices(event: EventRow, job: JobRow): Promise<Notice[]> {
  const stages = stagesReached(event.type, stepOf(event));
  if (stages.length === 0 || job.webhook_url === null) return [];
  if (!(JSON.parse(job.options) as JobOptions).enable_progress_webhook) return [];
  const url = job.webhook_url;
  return Promise.all(
    stages.map(async ({ stage, percent }) => ({
      id: await deriveId({ subject: job.id, createdAt: job.created_at, type: "progress", stage }),
      account_id: job.account_id,
      channel: "webhook" as const,
      type: "progress" as const,
      job_id: job.id,
      batch_id: job.batch_id,
      url,
      body: JSON.stringify(progressBody(job.id, stage, percent)),
      created_at: timeOf(event),
      batch_rank: null,
    })),
  );
}

async function outcomeNotices(
  type: OutcomeType,
  event: EventRow,
  job: JobRow,
  sources: NoticeSources,
): Promise<Notice[]> {
  const shared = {
    account_id: job.account_id,
    type,
    job_id: job.id,
    batch_id: job.batch_id,
    created_at: job.finished_at ?? timeOf(event),
  };
  const notices: Notice[] = [];
  if (job.webhook_url !== null) {
    notices.push({
      ...shared,
      id: await deriveId({ subject: job.id, createdAt: job.created_at, type }),
      channel: "webhook",
      url: job.webhook_url,
      body: JSON.stringify(await outcomeBody(type, job, sources)),
      batch_rank: job.batch_id === null ? null : job.role === "parent" ? 1 : 0,
    });
  }
  // The courier knows whether the account has a Slack, and what it wants to hear.
  if (type !== "job_completed") {
    notices.push({
      ...shared,
      id: await deriveId({ subject: job.id, createdAt: job.created_at, type, stage: "slack" }),
      channel: "slack",
      url: null,
      body: JSON.stringify(slackBody(type, job)),
      batch_rank: null,
    });
  }
  return notices;
}

async function outcomeBody(type: OutcomeType, job: JobRow, { files, s3UrlOf }: NoticeSources) {
  switch (type) {
    case "job_completed":
      return jobCompletedBody(job, files.get(job.id) ?? [], await s3UrlOf(job));
    case "job_failed":
      return jobFailedBody(job);
    case "job_warning":
      return jobWarningBody(job);
    case "job_skipped":
      return jobSkippedBody(job);
  }
}

function stepOf(event: EventRow): string | null {
  if (event.type !== ".job.stage" || event.data === null) return null;
  return (JSON.parse(event.data) as { step?: string }).step ?? null;
}

/** Event ids begin with the milliseconds of their time (DESIGN section 2). */
function timeOf(event: EventRow): number {
  return Math.floor(event.id / 1000);
}

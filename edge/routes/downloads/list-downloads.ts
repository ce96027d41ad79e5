import type { DownloadStatus, DownloadTask } from "../../../shared/contract/downloads.ts";
import {
  type DownloadFilter,
  type DownloadRow,
  type ListedCounts,
  listedCounts,
  listDownloads as readDownloads,
} from "../../db/downloads.ts";
import { urlPolicy } from "../../env.ts";
import type { AccountTotals } from "../../partition/reads.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AppContext } from "../http.ts";
import { integer } from "../jobs/job-list.ts";
import { type WithProgress, withProgress } from "../jobs/live-progress.ts";
import { listTotals } from "../jobs/totals.ts";
import { publicOrigin, requestOrigin } from "../origin.ts";
import { asDownloadStatus } from "./download-status.ts";
import { type DownloadSource, downloadView } from "./download-view.ts";

/** Most tasks of one answer, and as many as without `limit`. */
const MAX_LIMIT = 1_000;
/** Most running jobs that are looked at to tell downloading from processing. */
const MAX_RUNNING = 2_000;

interface Page {
  limit: number;
  offset: number;
}

interface Found {
  tasks: DownloadTask[];
  /** Of the filter, on all pages. */
  total: number;
  more: boolean;
}

/** `GET /api/downloads`: all tasks, newest first, as a bare array. Running ones with their progress of this moment. */
export const listDownloads: Endpoint = {
  operationId: "list-downloads",
  method: "GET",
  path: "/api/downloads",
  summary: "List downloads",
  scope: "jobs:read",
  async handler(context) {
    const page: Page = {
      limit: Math.min(MAX_LIMIT, Math.max(1, integer(context.req.query("limit"), MAX_LIMIT))),
      offset: Math.max(0, integer(context.req.query("offset"), 0)),
    };
    const status = asDownloadStatus(context.req.query("status"));
    const totals = await listTotals(context);
    const running = status === "downloading" || status === "processing";
    const found = running ? await findRunning(context, status, page) : await find(context, status, page, totals);
    return context.json(found.tasks, 200, {
      "X-Total-Count": String(found.total),
      ...(found.more ? { Link: `<${nextLink(context, status, page)}>; rel="next"` } : {}),
    });
  },
};

async function find(
  context: AppContext,
  filter: Exclude<DownloadFilter, "running"> | null,
  { limit, offset }: Page,
  totals: AccountTotals,
): Promise<Found> {
  const { DB } = context.env;
  const account = context.var.caller.account.id;
  const rows = await readDownloads(DB, { account, filter, limit: limit + 1, offset });
  const total = totalOf(filter, totals, await listedCounts(DB, account));
  return { tasks: await toTasks(context, rows.slice(0, limit)), total, more: rows.length > limit };
}

/** Counters answer: what is polled must not cost a look at the whole history. Only finished tasks can be removed. */
function totalOf(
  filter: Exclude<DownloadFilter, "running"> | null,
  totals: AccountTotals,
  listed: ListedCounts,
): number {
  if (filter === "pending") return totals.pending;
  if (filter !== null) return listed[filter];
  return totals.pending + totals.processing + listed.completed + listed.error + listed.cancelled;
}

/** Only the partition knows the step of a running job. There are as many of these as slots, not as jobs. */
async function findRunning(context: AppContext, status: DownloadStatus, { limit, offset }: Page): Promise<Found> {
  const account = context.var.caller.account.id;
  const rows = await readDownloads(context.env.DB, { account, filter: "running", limit: MAX_RUNNING, offset: 0 });
  const tasks = (await toTasks(context, rows)).filter((task) => task.status === status);
  return { tasks: tasks.slice(offset, offset + limit), total: tasks.length, more: tasks.length > offset + limit };
}

async function toTasks(context: AppContext, rows: readonly DownloadRow[]): Promise<DownloadTask[]> {
  const policy = urlPolicy(context.env);
  return (await withProgress(context, rows)).map((found) => downloadView(toSource(found), policy));
}

function toSource({ row, ...live }: WithProgress<DownloadRow>): DownloadSource {
  const { batch_kind, batch_total, has_thumbnail, ...task } = row;
  return {
    row: task,
    batch: batch_kind === null ? null : { kind: batch_kind, total: batch_total ?? 0 },
    hasThumbnail: has_thumbnail === 1,
    ...live,
  };
}

/** Without `apikey`: a link is copied more freely than a request. */
function nextLink(context: AppContext, status: DownloadStatus | null, { limit, offset }: Page): string {
  const url = new URL("/api/downloads", publicOrigin(context.env, requestOrigin(context.req.raw, context.env)));
  if (status !== null) url.searchParams.set("status", status);
  url.searchParams.set("limit", String(limit));
  url.searchParams.set("offset", String(offset + limit));
  return url.href;
}

/** What all lists of jobs share: their query, and an item's shape (jobs API 3.6). */
import type { JobRow } from "../../partition/job-row.ts";
import { apiStep } from "../../partition/states.ts";
import type { AppContext } from "../http.ts";
import { withProgress } from "./live-progress.ts";

export const STATUSES = ["Pending", "Processing", "Completed", "Failed", "Warning", "Skipped"] as const;
export type ListStatus = (typeof STATUSES)[number];

const MAX_LIMIT = 100;

export interface ListQuery {
  limit: number;
  offset: number;
  status: ListStatus | null;
}

/** Out of range is clamped, not an integer is the default, an unknown status is ignored. */
export function listQuery(context: AppContext, defaultLimit: number): ListQuery {
  return {
    limit: Math.min(MAX_LIMIT, Math.max(1, integer(context.req.query("limit"), defaultLimit))),
    offset: Math.max(0, integer(context.req.query("offset"), 0)),
    status: STATUSES.find((each) => each.toLowerCase() === context.req.query("status")) ?? null,
  };
}

/** Not an integer: the default. One past 2^53 is an integer all the same. */
export function integer(text: string | undefined, fallback: number): number {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : fallback;
}

/** Rows of D1 as items; running ones with their step and progress of this moment. */
export async function listItems(context: AppContext, rows: readonly JobRow[]) {
  return (await withProgress(context, rows)).map(({ row }) => listItem(row));
}

function listItem(row: JobRow) {
  return {
    id: row.id,
    url: row.url,
    status: row.status,
    s3_key: row.media_key,
    error: row.error,
    step: apiStep(row.state, row.step),
    created_at: row.created_at,
    finished_at: row.finished_at,
    file_size: row.file_size,
    title: row.title,
    error_type: row.error_type,
    folder: row.folder,
    batch_id: row.batch_id,
    progress: row.progress,
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as unknown),
  };
}

/** The statement behind `GET /jobs`: which index it takes decides whether a list costs its length or the whole history. */
import { DRAINED_COLUMNS } from "../partition/job-row.ts";

/** All columns of a job, but a media key goes with its file; a parent's is its first child's (jobs API 3.4, 3.9). */
export const LIST_COLUMNS = DRAINED_COLUMNS.map((column) =>
  column === "media_key"
    ? `(SELECT path FROM files WHERE kind = 'media' AND deleted_at IS NULL AND files.job_id =
         CASE WHEN role <> 'parent' THEN jobs.id WHEN media_key IS NOT NULL THEN
           (SELECT child.id FROM jobs child WHERE child.batch_id = jobs.batch_id AND child.account_id = jobs.account_id
              AND child.role <> 'parent' ORDER BY child.batch_index LIMIT 1) END) AS media_key`
    : column,
).join(", ");

export interface JobListQuery {
  account: string;
  /** The API's status, capitalised; null: all. */
  status: string | null;
  batchId: string | null;
  /** Only ids below this one; null: from the newest. */
  before: string | null;
  limit: number;
  offset: number;
}

/**
 * Newest first. Uses jobs_account, jobs_account_status or jobs_batch: a filter that is not asked for is not in the
 * statement, because `?2 IS NULL OR status = ?2` finds no index and walks the account's whole history.
 */
export function jobListStatement(query: JobListQuery): { sql: string; values: (string | number)[] } {
  const filters: [string, string | null][] = [
    ["status = ?", query.status],
    ["batch_id = ? AND role <> 'parent'", query.batchId],
    ["id < ?", query.before],
  ];
  // The plus keeps the planner from walking the account's history, which is in the wanted order, for the jobs of one batch.
  const own = query.batchId === null ? "account_id" : "+account_id";
  const asked = filters.filter((filter): filter is [string, string] => filter[1] !== null);
  return {
    sql: `SELECT ${LIST_COLUMNS} FROM jobs WHERE ${own} = ? ${asked.map(([text]) => `AND ${text} `).join("")}
       ORDER BY id DESC LIMIT ? OFFSET ?`,
    values: [query.account, ...asked.map(([, value]) => value), query.limit, query.before === null ? query.offset : 0],
  };
}

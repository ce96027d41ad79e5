/** Items of the library API in D1: jobs, with what the API keeps of them beside (docs/decisions/145). */
import type { HistoryStatus } from "../library/items/status.ts";
import type { FileRow } from "../partition/drain.ts";
import type { JobRow } from "../partition/job-row.ts";
import { LIST_COLUMNS } from "./job-list.ts";

export const ITEM_PURPOSE = "library-item";

/** JSON `ItemFacts`, and JSON `ItemSecrets` sealed. Null: another surface made the job. */
export interface KeptItem {
  facts: string | null;
  sealed_item: string | null;
}

export type ItemRow = JobRow & KeptItem;

export interface NewItemRow {
  job: string;
  account: string;
  facts: string;
  sealed: string | null;
  created_at: number;
}

/** Before the jobs are made; a repeat of a create finds them there. */
export async function insertItems(db: D1Database, items: readonly NewItemRow[]): Promise<void> {
  await db
    .prepare(
      `INSERT INTO library_items (job_id, account_id, facts, sealed, created_at)
       SELECT json_extract(value, '$.job'), json_extract(value, '$.account'), json_extract(value, '$.facts'),
         json_extract(value, '$.sealed'), json_extract(value, '$.created_at') FROM json_each(?) WHERE true
       ON CONFLICT DO NOTHING`,
    )
    .bind(JSON.stringify(items))
    .run();
}

/** The create was refused. */
export async function removeItems(db: D1Database, jobs: readonly string[]): Promise<void> {
  await db
    .prepare("DELETE FROM library_items WHERE job_id IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify(jobs))
    .run();
}

/** An entry of a list has what the job had that became the list. */
const kept = (column: string) =>
  `(SELECT i.${column} FROM library_items i
    WHERE i.job_id IN (jobs.id, (SELECT parent_job_id FROM batches WHERE batches.id = jobs.batch_id))
    ORDER BY i.job_id = jobs.id DESC LIMIT 1)`;
const COLUMNS = `${LIST_COLUMNS}, ${kept("facts")} AS facts, ${kept("sealed")} AS sealed_item`;

export interface ItemPage {
  limit: number;
  offset: number;
  /** By creation. */
  order: "ASC" | "DESC";
}

export type HistoryFilter = { status: HistoryStatus; not: boolean } | null;

/** What in the jobs API's words narrows a filter down first: jobs_account_status(account_id, status, id) is sorted by them. */
const STATUS_OF: Record<HistoryStatus, string> = {
  finished: "jobs.status = 'Completed'",
  error: "jobs.status IN ('Failed', 'Warning')",
  skip: "jobs.status = 'Skipped'",
  cancelled: "jobs.status = 'Failed'",
  not_live: "jobs.status = 'Pending'",
};

function historyWhere(filter: HistoryFilter): string {
  if (filter === null) return "jobs.account_id = ?1 AND jobs.item IS NOT NULL";
  if (filter.not) return "jobs.account_id = ?1 AND jobs.item IS NOT NULL AND jobs.item <> ?2";
  return `jobs.account_id = ?1 AND ${STATUS_OF[filter.status]} AND jobs.item = ?2`;
}

/** Uses jobs_item(account_id, id), or jobs_account_status for one status. */
export async function listHistory(
  db: D1Database,
  account: string,
  filter: HistoryFilter,
  { limit, offset, order }: ItemPage,
): Promise<ItemRow[]> {
  const { results } = await db
    .prepare(`SELECT ${COLUMNS} FROM jobs WHERE ${historyWhere(filter)} ORDER BY jobs.id ${order} LIMIT ?3 OFFSET ?4`)
    .bind(account, filter?.status ?? "", limit, offset)
    .all<ItemRow>();
  return results;
}

/** An item of the history as a deletion finds it. */
export interface HistoryEntry {
  id: string;
  item: HistoryStatus;
}

/** Oldest first: what a deletion by filter names. */
export async function historyEntries(
  db: D1Database,
  account: string,
  filter: HistoryFilter,
  limit: number,
): Promise<HistoryEntry[]> {
  const { results } = await db
    .prepare(`SELECT jobs.id, jobs.item FROM jobs WHERE ${historyWhere(filter)} ORDER BY jobs.id LIMIT ?3`)
    .bind(account, filter?.status ?? "", limit)
    .all<HistoryEntry>();
  return results;
}

/** Those of these ids that are in the history. By primary key. */
export async function findHistory(db: D1Database, account: string, ids: readonly string[]): Promise<HistoryEntry[]> {
  const { results } = await db
    .prepare(
      `SELECT id, item FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND account_id = ? AND item IS NOT NULL`,
    )
    .bind(JSON.stringify(ids), account)
    .all<HistoryEntry>();
  return results;
}

/** Their files that are still there. Uses files_job(job_id). */
export async function filesOfJobs(db: D1Database, account: string, ids: readonly string[]): Promise<FileRow[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM files WHERE job_id IN (SELECT value FROM json_each(?)) AND account_id = ? AND deleted_at IS NULL
       ORDER BY job_id, file_id`,
    )
    .bind(JSON.stringify(ids), account)
    .all<FileRow>();
  return results;
}

/** By primary key: a row for each status. */
export async function historyCounts(db: D1Database, account: string): Promise<Partial<Record<HistoryStatus, number>>> {
  const { results } = await db
    .prepare("SELECT item, n FROM library_counts WHERE account_id = ?")
    .bind(account)
    .all<{ item: HistoryStatus; n: number }>();
  return Object.fromEntries(results.map(({ item, n }) => [item, n]));
}

const QUEUED = "jobs.account_id = ? AND jobs.finished_at IS NULL AND jobs.state <> 'waiting' AND jobs.role <> 'parent'";

/** Uses jobs_live(account_id, id). */
export async function listQueue(
  db: D1Database,
  account: string,
  { limit, offset, order }: ItemPage,
): Promise<ItemRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM jobs INDEXED BY jobs_live WHERE ${QUEUED} ORDER BY jobs.id ${order} LIMIT ? OFFSET ?`,
    )
    .bind(account, limit, offset)
    .all<ItemRow>();
  return results;
}

/** Uses jobs_live(account_id, id): as many rows as there are live jobs. */
export async function countQueue(db: D1Database, account: string): Promise<number> {
  const row = await db
    .prepare(`SELECT count(*) AS n FROM jobs INDEXED BY jobs_live WHERE ${QUEUED}`)
    .bind(account)
    .first<{ n: number }>();
  return row?.n ?? 0;
}

/** What is kept beside one job. By primary keys. */
export async function findKept(db: D1Database, account: string, id: string, batch: string | null): Promise<KeptItem> {
  const row = await db
    .prepare(
      `SELECT facts, sealed AS sealed_item FROM library_items WHERE account_id = ?1
         AND job_id IN (?2, (SELECT parent_job_id FROM batches WHERE batches.id = ?3)) ORDER BY job_id = ?2 DESC LIMIT 1`,
    )
    .bind(account, id, batch)
    .first<KeptItem>();
  return row ?? { facts: null, sealed_item: null };
}

import { AppError, unavailable } from "../../../app-error.ts";
import { hideJobs } from "../../../db/downloads.ts";
import { filesOfJobs, findHistory, type HistoryEntry, historyEntries, listQueue } from "../../../db/items.ts";
import { readSettings } from "../../../db/settings.ts";
import { MANAGED_TARGET } from "../../../partition/targets.ts";
import { openManagedStore } from "../../../storage/open-store.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { deleteFiles } from "../../jobs/delete-job-file.ts";
import { listTotals } from "../../jobs/totals.ts";
import { readLibraryObject } from "../library-body.ts";
import { cancelAnswer, command, readIds, unknownItem } from "./command-items.ts";
import { fitsQueue, historyFilter, type StatusFilter, statusFilter } from "./history-query.ts";
import { itemsOf } from "./read-items.ts";

/** Items of one step of a deletion by filter. */
const STEP = 500;
/** Ids that are listed one by one. */
const MAX_LISTED = 1_000;
const MAX_QUEUE = 10_000;
const D1_RETRY_SECONDS = 5;

interface Deleted {
  items: Record<string, string>;
  deleted: number;
}

/**
 * `DELETE /api/history` (library API 4.5): `queue` cancels, `done` forgets the record here and in the downloads API. Files go
 * only where the request and the account's settings both say so.
 */
export const deleteHistory: Endpoint = {
  operationId: "delete-history",
  method: "DELETE",
  path: "/api/history",
  summary: "Cancel or forget items",
  scope: "jobs:write",
  async handler(context) {
    const body = await readLibraryObject(context, { empty: {} });
    const type = body.type ?? body.where;
    if (type === undefined || type === null || type === "") throw new AppError("invalid", "Type is required.");
    if (type !== "done" && type !== "queue") {
      throw new AppError("invalid", "type must be one of '['done', 'queue']'.");
    }
    const ids = Array.isArray(body.ids) && body.ids.length > 0 ? readIds(body) : null;
    const filter = typeof body.status === "string" ? statusFilter(body.status) : null;
    if (ids === null && filter === null) {
      throw new AppError("invalid", "either 'ids' or 'status' filter is required.");
    }
    await listTotals(context);
    if (type === "queue") return context.json(await cancelQueue(context, ids ?? (await queueIds(context, filter))));
    const { remove_files } = await readSettings(context.env.DB, context.var.caller.account.id);
    const removesFiles = remove_files && body.remove_file !== false;
    const forgotten =
      ids === null ? await forgetAll(context, filter, removesFiles) : await forgetNamed(context, ids, removesFiles);
    return context.json(forgotten);
  },
};

function noneMatched(): AppError {
  return new AppError("invalid", "No items matched the filter.");
}

async function queueIds(context: AppContext, filter: StatusFilter | null): Promise<string[]> {
  const page = { limit: MAX_QUEUE, offset: 0, order: "ASC" } as const;
  const { DB } = context.env;
  const account = context.var.caller.account.id;
  const settings = await readSettings(DB, account);
  const items = await itemsOf(context, settings, await listQueue(DB, account, page));
  const ids = items.filter((item) => fitsQueue(filter, item.status)).map((item) => item._id);
  if (ids.length === 0) throw noneMatched();
  return ids;
}

async function cancelQueue(context: AppContext, ids: readonly string[]): Promise<Deleted> {
  const outcomes = await command(context, "cancelJobs", ids);
  const { status, ...items } = cancelAnswer([...ids], outcomes);
  const listed = Object.fromEntries(Object.entries(items).slice(0, MAX_LISTED));
  return { items: { ...listed, ...(status === undefined ? {} : { status }) }, deleted: ids.length };
}

async function forgetNamed(context: AppContext, ids: readonly string[], removesFiles: boolean): Promise<Deleted> {
  const lower = ids.map((id) => id.toLowerCase());
  const entries = await findHistory(context.env.DB, context.var.caller.account.id, lower);
  const known = new Set(entries.map(({ id }) => id));
  await forget(context, entries, removesFiles);
  const answers = ids.map((id, index) => [id, known.has(lower[index] ?? "") ? "ok" : `"${unknownItem(id)}"`]);
  const failed = known.size < new Set(lower).size;
  return { items: { ...Object.fromEntries(answers), ...(failed ? { status: "error" } : {}) }, deleted: ids.length };
}

async function forgetAll(context: AppContext, asked: StatusFilter | null, removesFiles: boolean): Promise<Deleted> {
  const filter = historyFilter(asked);
  const items: Record<string, string> = {};
  let deleted = 0;
  for (;;) {
    const entries =
      filter === "nothing" ? [] : await historyEntries(context.env.DB, context.var.caller.account.id, filter, STEP);
    if (entries.length === 0) break;
    await forget(context, entries, removesFiles);
    for (const { id } of entries) if (deleted++ < MAX_LISTED) items[id] = "ok";
  }
  if (deleted === 0) throw noneMatched();
  return { items, deleted };
}

/** Files go first: what breaks off in between is still listed, and a repeat goes on. */
async function forget(context: AppContext, entries: readonly HistoryEntry[], removesFiles: boolean): Promise<void> {
  const { DB } = context.env;
  const account = context.var.caller.account.id;
  const waiting = entries.filter(({ item }) => item === "not_live").map(({ id }) => id);
  // What waits for its stream would run all the same.
  if (waiting.length > 0) {
    await command(context, "cancelJobs", waiting);
    await listTotals(context);
  }
  const ids = entries.map(({ id }) => id);
  if (removesFiles) await removeFiles(context, ids);
  const hidden = await hideJobs(DB, account, ids, Date.now());
  if (hidden.length < ids.length)
    throw unavailable("The deletion could not be stored yet, try again.", D1_RETRY_SECONDS);
}

/** Those in storage of the client's own stay. */
async function removeFiles(context: AppContext, ids: readonly string[]): Promise<void> {
  const files = await filesOfJobs(context.env.DB, context.var.caller.account.id, ids);
  const managed = files.filter((file) => file.target_id === MANAGED_TARGET);
  const store = openManagedStore(context.env);
  for (const [job, own] of Map.groupBy(managed, (file) => file.job_id)) await deleteFiles(context, job, own, store);
}

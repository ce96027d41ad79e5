/** The queries of `GET /api/history` (library API 4.3). */
import { AppError } from "../../../app-error.ts";
import type { HistoryFilter, ItemPage } from "../../../db/items.ts";
import {
  HISTORY_STATUSES,
  type ItemStatus,
  type QueueStatus,
  RUNNING_STATUSES,
} from "../../../library/items/status.ts";
import type { AppContext } from "../../http.ts";
import { type AskedPage, readPage } from "../pages.ts";

export const TYPES = ["done", "queue", "all"] as const;

export interface HistoryQuery extends AskedPage {
  /** Null: the queue, and both lists beside. */
  type: (typeof TYPES)[number] | null;
  order: ItemPage["order"];
  filter: StatusFilter | null;
}

export interface StatusFilter {
  /** What is no status fits nothing. */
  status: ItemStatus | undefined;
  not: boolean;
}

/** @throws AppError 400 */
export function readHistoryQuery(context: AppContext, perPage: number): HistoryQuery {
  const asked = context.req.query("type");
  const type = asked === undefined ? null : TYPES.find((each) => each === asked.toLowerCase());
  if (type === undefined) throw new AppError("invalid", "type must be one of done, queue.");
  const page = readPage(context, perPage);
  const order = (context.req.query("order") ?? "DESC").toUpperCase();
  if (order !== "ASC" && order !== "DESC") throw new AppError("invalid", "order must be ASC or DESC.");
  return { ...page, type, order, filter: statusFilter(context.req.query("status")) };
}

/** `finished`, `!finished`; `pending` is the waiting ones' null. */
export function statusFilter(text: string | undefined): StatusFilter | null {
  if (text === undefined || text === "") return null;
  const not = text.startsWith("!");
  const name = not ? text.slice(1) : text;
  const all = [...HISTORY_STATUSES, ...RUNNING_STATUSES];
  return { status: name === "pending" ? null : all.find((each) => each === name), not };
}

/** What the history is narrowed to; `nothing` where a status of the queue alone is asked for. */
export function historyFilter(filter: StatusFilter | null): HistoryFilter | "nothing" {
  if (filter === null) return null;
  const status = HISTORY_STATUSES.find((each) => each === filter.status);
  if (status === undefined) return filter.not ? null : "nothing";
  return { status, not: filter.not };
}

export function fitsQueue(filter: StatusFilter | null, status: ItemStatus): status is QueueStatus {
  return filter === null || (filter.status === status) !== filter.not;
}

import {
  countQueue,
  type HistoryFilter,
  historyCounts,
  listQueue,
  listHistory as readHistory,
} from "../../../db/items.ts";
import { readSettings } from "../../../db/settings.ts";
import type { ItemView } from "../../../library/items/item-view.ts";
import type { Settings } from "../../../library/settings.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { listTotals } from "../../jobs/totals.ts";
import { type Pagination, paginate } from "../pages.ts";
import { fitsQueue, type HistoryQuery, historyFilter, readHistoryQuery } from "./history-query.ts";
import { itemsOf, withSidecars } from "./read-items.ts";

/** Most of the two lists that stand beside a page, and of a queue that is looked through for a status. */
const MAX_BESIDE = 1_000;
const MAX_LOOKED_THROUGH = 10_000;

interface Page {
  pagination: Pagination;
  items: ItemView[];
}

/** `GET /api/history` (library API 4.3): a page of the queue or of the history; without `type` both lists beside it. */
export const listHistory: Endpoint = {
  operationId: "list-history",
  method: "GET",
  path: "/api/history",
  summary: "List items",
  scope: "jobs:read",
  async handler(context) {
    const account = context.var.caller.account.id;
    const settings = await readSettings(context.env.DB, account);
    const query = readHistoryQuery(context, settings.default_pagination);
    await listTotals(context);
    if (query.type === "all") return context.json(await bothLists(context, settings));
    const page =
      query.type === "done" ? await historyPage(context, settings, query) : await queuePage(context, settings, query);
    const beside = query.type === null ? await bothLists(context, settings) : {};
    return context.json({ type: query.type ?? "queue", ...page, ...beside });
  },
};

async function bothLists(context: AppContext, settings: Settings): Promise<{ queue: ItemView[]; history: ItemView[] }> {
  const account = context.var.caller.account.id;
  const page = { limit: MAX_BESIDE, offset: 0, order: "DESC" } as const;
  const queue = await listQueue(context.env.DB, account, page);
  const history = await readHistory(context.env.DB, account, null, page);
  return { queue: await itemsOf(context, settings, queue), history: await itemsOf(context, settings, history) };
}

async function historyPage(context: AppContext, settings: Settings, query: HistoryQuery): Promise<Page> {
  const { DB } = context.env;
  const account = context.var.caller.account.id;
  const filter = historyFilter(query.filter);
  const total = filter === "nothing" ? 0 : totalOf(await historyCounts(DB, account), filter);
  const { pagination, offset } = paginate(query, total);
  const { perPage: limit, order } = query;
  const rows = filter === "nothing" ? [] : await readHistory(DB, account, filter, { limit, offset, order });
  return { pagination, items: await withSidecars(context, rows, await itemsOf(context, settings, rows)) };
}

function totalOf(counts: Awaited<ReturnType<typeof historyCounts>>, filter: HistoryFilter): number {
  return Object.entries(counts)
    .filter(([status]) => filter === null || (status === filter.status) !== filter.not)
    .reduce((sum, [, n]) => sum + n, 0);
}

/** Only the partition knows the step of what runs, so a filter looks through the queue, which is as long as may be pending. */
async function queuePage(context: AppContext, settings: Settings, query: HistoryQuery): Promise<Page> {
  const { DB } = context.env;
  const account = context.var.caller.account.id;
  const { perPage: limit, order, filter } = query;
  if (filter === null) {
    const { pagination, offset } = paginate(query, await countQueue(DB, account));
    return {
      pagination,
      items: await itemsOf(context, settings, await listQueue(DB, account, { limit, offset, order })),
    };
  }
  const all = await itemsOf(
    context,
    settings,
    await listQueue(DB, account, { limit: MAX_LOOKED_THROUGH, offset: 0, order }),
  );
  const fitting = all.filter((item) => fitsQueue(filter, item.status));
  const { pagination, offset } = paginate(query, fitting.length);
  return { pagination, items: fitting.slice(offset, offset + limit) };
}

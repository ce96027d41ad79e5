import { historyCounts, listQueue } from "../../../db/items.ts";
import { readSettings } from "../../../db/settings.ts";
import type { ItemView } from "../../../library/items/item-view.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { listTotals } from "../../jobs/totals.ts";
import { itemsOf } from "./read-items.ts";

/** Rows of one read. */
const PAGE = 1_000;

/** `GET /api/history/live` (library API 4.4): the queue by `_id`, in its order, with the progress of this moment. */
export const liveHistory: Endpoint = {
  operationId: "live-history",
  method: "GET",
  path: "/api/history/live",
  summary: "The queue as it is now",
  scope: "jobs:read",
  async handler(context) {
    await listTotals(context);
    return context.json({ queue: await liveQueue(context), history_count: await countHistory(context) });
  },
};

/** Whole items by their id. */
async function liveQueue(context: AppContext): Promise<Record<string, ItemView>> {
  const account = context.var.caller.account.id;
  const settings = await readSettings(context.env.DB, account);
  const queue: [string, ItemView][] = [];
  for (;;) {
    const page = { limit: PAGE, offset: queue.length, order: "ASC" } as const;
    const rows = await listQueue(context.env.DB, account, page);
    queue.push(...(await itemsOf(context, settings, rows)).map((item): [string, ItemView] => [item._id, item]));
    if (rows.length < PAGE) return Object.fromEntries(queue);
  }
}

async function countHistory(context: AppContext): Promise<number> {
  const counts = await historyCounts(context.env.DB, context.var.caller.account.id);
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

/** `GET /api/history`, `/live` and `/{id}` (library API 4.3, 4.4, 4.7). */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, newAccount } from "../../support.ts";
import { failed, finished, idsOf, list, UNKNOWN_ID, untilStatus } from "./support.ts";

let account: Account;
let queue: string[];
let done: string;
let wrong: string;
beforeAll(async () => {
  account = await newAccount();
  done = await finished(account);
  wrong = await failed(account, "removed");
  await untilStatus(account, wrong, "error");
  queue = [await account.createJob(), await account.createJob(), await account.createJob()];
});

describe("a page", () => {
  it("without a type is of the queue, newest first, with both lists beside it", async () => {
    const { type, pagination, items, queue: all, history } = await list(account, "");
    expect(type).toBe("queue");
    expect(pagination).toEqual({ page: 1, per_page: 50, total: 3, total_pages: 1, has_next: false, has_prev: false });
    expect(idsOf(items)).toEqual(queue.toReversed());
    expect([idsOf(all), idsOf(history)]).toEqual([queue.toReversed(), [wrong, done]]);
  });

  it("of one type has that alone; all has the two lists alone", async () => {
    expect(Object.keys(await list(account, "?type=queue"))).toEqual(["type", "pagination", "items"]);
    const history = await list(account, "?type=done");
    expect([history.type, idsOf(history.items)]).toEqual(["done", [wrong, done]]);
    const all = await list(account, "?type=all");
    expect(Object.keys(all)).toEqual(["queue", "history"]);
    expect(idsOf(all.queue)).toEqual(queue.toReversed());
  });

  it("is as long as asked, in either order, and the last one where there is none so far on", async () => {
    const oldest = await list(account, "?type=queue&per_page=2&order=asc");
    expect(idsOf(oldest.items)).toEqual(queue.slice(0, 2));
    expect(oldest.pagination).toMatchObject({ total: 3, total_pages: 2, has_next: true, has_prev: false });
    const last = await list(account, "?type=queue&per_page=2&page=9&order=ASC");
    expect(idsOf(last.items)).toEqual(queue.slice(2));
    expect(last.pagination).toMatchObject({ page: 2, has_next: false, has_prev: true });
    expect((await list(account, "?type=done&per_page=1&page=2")).items?.[0]?._id).toBe(done);
  });

  it.each([
    ["?type=done&status=finished", () => [done]],
    ["?type=done&status=!finished", () => [wrong]],
    ["?type=done&status=error", () => [wrong]],
    ["?type=done&status=skip", () => []],
    ["?type=done&status=downloading", () => []],
    ["?type=done&status=!downloading", () => [wrong, done]],
    ["?type=queue&status=pending", () => queue.toReversed()],
    ["?type=queue&status=!pending", () => []],
    ["?type=queue&status=nonsense", () => []],
    ["?type=queue&status=preparing", () => []],
  ])("%s is narrowed to that status, and so is its total", async (query, expected) => {
    const { items, pagination } = await list(account, query);
    expect(idsOf(items)).toEqual(expected());
    expect(pagination?.total).toBe(expected().length);
  });

  it.each([
    ["?type=nope", "type must be one of done, queue."],
    ["?page=x", "page and per_page must be valid integers."],
    ["?per_page=1.5", "page and per_page must be valid integers."],
    ["?page=0", "page must be >= 1."],
    ["?per_page=0", "per_page must be between 1 and 1000."],
    ["?per_page=1001", "per_page must be between 1 and 1000."],
    ["?order=up", "order must be ASC or DESC."],
  ])("%s is refused", async (query, error) => {
    const answer = await account.api("GET", `/api/history${query}`);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  });
});

describe("the live queue", () => {
  it("is a map by id in the queue's order, with how long the history is", async () => {
    const { status, body } = await account.api<{ queue: Record<string, unknown>; history_count: number }>(
      "GET",
      "/api/history/live",
    );
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["queue", "history_count"]);
    expect(Object.keys(body.queue)).toEqual(queue);
    expect(body.queue[queue[0] ?? ""]).toMatchObject({ _id: queue[0], status: null });
    expect(body.history_count).toBe(2);
  });
});

it("an item is found by its id in any case, and by nothing else", async () => {
  expect((await account.api("GET", `/api/history/${done.toUpperCase()}`)).status).toBe(200);
  const other = await newAccount();
  for (const [asker, id] of [
    [account, UNKNOWN_ID],
    [account, "nope"],
    [other, done],
    [other, queue[0]],
  ] as const) {
    const answer = await asker.api("GET", `/api/history/${id}`);
    expect([answer.status, answer.body]).toEqual([404, { error: "item not found." }]);
  }
});

it("another account's lists have nothing of it", async () => {
  const other = await newAccount();
  expect(await list(other, "?type=all")).toEqual({ queue: [], history: [] });
  expect((await list(other, "?type=done")).pagination).toMatchObject({ total: 0, total_pages: 1 });
});

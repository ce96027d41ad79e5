/** What the tests of items share: items that other surfaces made, in each status; the two lists. */
import { expect, vi } from "vitest";
import { TestNode } from "../../fleet-node.ts";
import type { Account, Json } from "../../support.ts";

export const UNKNOWN_ID = "01a2310c-0100-726b-b2a7-4de452e6b438";

export interface Item extends Json {
  _id: string;
  status: string | null;
}

export async function readItem(account: Account, id: string): Promise<Item> {
  const answer = await account.api<Item>("GET", `/api/history/${id}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** Reads until the item has come that far: its end reaches D1 with the drain. */
export function untilStatus(account: Account, id: string, status: string | null): Promise<Item> {
  return vi.waitFor(async () => {
    const item = await readItem(account, id);
    expect(item.status).toBe(status);
    return item;
  });
}

export interface Listed {
  type?: string;
  pagination?: Json;
  items?: Item[];
  queue?: Item[];
  history?: Item[];
}

export async function list(account: Account, query: string): Promise<Listed> {
  const answer = await account.api<Listed>("GET", `/api/history${query}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

export const idsOf = (items: readonly Item[] | undefined): string[] => (items ?? []).map((item) => item._id);

/** A job that was delivered. */
export async function finished(account: Account, body: Json = {}, info: Json = {}): Promise<string> {
  const id = await account.createJob(body);
  const node = await TestNode.online(account);
  await node.deliver(await node.take(), "bytes of the media file", info);
  await untilStatus(account, id, "finished");
  return id;
}

/** A job that failed by this class of failure. */
export async function failed(account: Account, failure: string, body: Json = {}): Promise<string> {
  const id = await account.createJob(body);
  const node = await TestNode.online(account);
  const job = await node.take();
  const report = { class: failure, message: "The source said no", retry_after_seconds: null, permanent: false };
  expect((await node.job(job, "fail", report)).status).toBe(200);
  return id;
}

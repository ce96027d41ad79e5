/** `GET /api/downloads`: 200, a bare JSON array of task objects, newest first. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { drainToD1 } from "../../../edge/db/drain-to-d1.ts";
import { deleteJobs } from "../../../edge/db/records.ts";
import type { JobRow } from "../../../edge/partition/job-row.ts";
import { TestNode } from "../fleet-node.ts";
import { type Account, newAccount } from "../support.ts";
import { listTasks, newDownload, untilStatus } from "./support.ts";

let account: Account;
/** One task of each status. */
const ids: Record<string, string> = {};

async function failing(owner: Account): Promise<string> {
  const id = await newDownload(owner);
  const node = await TestNode.online(owner);
  const job = await node.take();
  await node.job(job, "fail", { class: "removed", message: "", retry_after_seconds: null, permanent: false });
  return id;
}

beforeAll(async () => {
  account = await newAccount();
  const node = await TestNode.online(account);
  ids.completed = await newDownload(account);
  await node.deliver(await node.take(), "bytes");
  await untilStatus(account, ids.completed, "completed");
  ids.error = await failing(account);
  ids.cancelled = await newDownload(account);
  await account.api("DELETE", `/api/downloads/${ids.cancelled}`);
  ids.processing = await newDownload(account);
  const muxed = await node.take();
  await node.job(muxed, "step", { step: "mux" });
  ids.downloading = await newDownload(account);
  await node.take();
  ids.pending = await newDownload(account);
});

const ORDER = ["pending", "downloading", "processing", "cancelled", "error", "completed"];

it("is a bare array, newest first, with X-Total-Count and without Link when all are there", async () => {
  const answer = await account.api("GET", "/api/downloads");
  expect(answer.status).toBe(200);
  expect(answer.body).toBeInstanceOf(Array);
  const tasks = await listTasks(account);
  expect(tasks.map((task) => [task.status, task.id])).toEqual(ORDER.map((status) => [status, ids[status]]));
  expect(answer.headers.get("x-total-count")).toBe("6");
  expect(answer.headers.has("link")).toBe(false);
  expect(answer.headers.get("access-control-expose-headers")).toContain("X-Total-Count, Link");
});

it.each(ORDER)("?status=%s gives those tasks only, and counts them", async (status) => {
  const answer = await account.api<{ id: string }[]>("GET", `/api/downloads?status=${status}`);
  expect(answer.body.map((task) => task.id)).toEqual([ids[status]]);
  expect(answer.headers.get("x-total-count")).toBe("1");
});

it.each(["Completed", "failed", "", "x"])("?status=%s is no status of this surface: ignored", async (status) => {
  expect(await listTasks(account, `?status=${status}`)).toHaveLength(6);
});

it('?limit=&offset= pages, with a Link: rel="next" header while more follow', async () => {
  const seen: string[] = [];
  let path: string | null = "/api/downloads?limit=4";
  while (path !== null) {
    const answer: Awaited<ReturnType<typeof account.api<{ id: string }[]>>> = await account.api("GET", path);
    expect(answer.headers.get("x-total-count")).toBe("6");
    seen.push(...answer.body.map((task) => task.id));
    const next: string | undefined = /^<https:\/\/edge\.test([^>]+)>; rel="next"$/.exec(
      answer.headers.get("link") ?? "",
    )?.[1];
    if (next !== undefined) expect(next).toBe("/api/downloads?limit=4&offset=4");
    path = next ?? null;
  }
  expect(seen).toEqual(ORDER.map((status) => ids[status]));
});

it("the next page keeps the filter and never the key", async () => {
  const other = await newAccount();
  for (let n = 0; n < 2; n++) await newDownload(other);
  const path = `/api/downloads?status=pending&limit=1&apikey=${other.key}`;
  const answer = await other.api("GET", path);
  expect(answer.headers.get("link")).toBe(
    '<https://edge.test/api/downloads?status=pending&limit=1&offset=1>; rel="next"',
  );
});

describe("a limit that is none", () => {
  it.each([
    ["limit=0", 1],
    ["limit=-3", 1],
    ["limit=x", 6],
    ["limit=99999", 6],
    ["offset=-1", 6],
    ["offset=5", 1],
    ["offset=600", 0],
  ])("?%s gives %d", async (query, count) => {
    expect(await listTasks(account, `?${query}`)).toHaveLength(count);
  });
});

it("the total of each list is that of its tasks, as they end, are removed and leave the history", async () => {
  const owner = await newAccount();
  const totals = async () => {
    const found: Record<string, number> = {};
    for (const status of ["", "pending", "completed", "error", "cancelled"]) {
      const answer = await owner.api<object[]>("GET", `/api/downloads?status=${status}`);
      expect(answer.headers.get("x-total-count"), status).toBe(String(answer.body.length));
      found[status || "all"] = answer.body.length;
    }
    return found;
  };
  const [error, removed, cancelled] = [await failing(owner), await failing(owner), await newDownload(owner)];
  await newDownload(owner);
  expect(await totals()).toEqual({ all: 4, pending: 2, completed: 0, error: 2, cancelled: 0 });
  await owner.api("DELETE", `/api/downloads/${cancelled}`);
  for (let times = 0; times < 2; times++) await owner.api("DELETE", `/api/downloads/${removed}/remove`);
  expect(await totals()).toEqual({ all: 3, pending: 1, completed: 0, error: 1, cancelled: 1 });
  await deleteJobs(env.DB, [error, removed]);
  expect(await totals()).toEqual({ all: 2, pending: 1, completed: 0, error: 0, cancelled: 1 });
});

it("at most 1,000 in one answer", async () => {
  const many = await newAccount();
  for (let n = 0; n < 11; n++) {
    const jobs = Array.from({ length: 100 }, (_, index) => ({ url: `https://media.example.com/${n}-${index}` }));
    expect((await many.api("POST", "/jobs/bulk", { jobs })).status).toBe(201);
  }
  const first = await many.api<object[]>("GET", "/api/downloads");
  expect(first.body).toHaveLength(1_000);
  expect(first.headers.get("x-total-count")).toBe("1100");
  expect(first.headers.get("link")).toContain("?limit=1000&offset=1000>");
  expect(await listTasks(many, "?offset=1000")).toHaveLength(100);
});

it("a task that was removed stays so when its row is drained once more", async () => {
  const owner = await newAccount();
  const id = await newDownload(owner);
  expect((await owner.api("DELETE", `/api/downloads/${id}/remove`)).status).toBe(200);
  const row = await env.DB.prepare("SELECT * FROM jobs WHERE id = ?").bind(id).first<JobRow>();
  if (row === null) throw new Error("no row");
  const later = { ...row, version: row.version + 1 };
  const rows = { jobs: [later], batches: [], files: [], attempts: [], usage: [], idempotency: [], accounts: [] };
  const generation = { partition: "none", epoch: 1, d1_event: 0, stream_event: 0, courier_event: 0 };
  await drainToD1(env.DB, rows, generation);
  expect(await listTasks(owner)).toEqual([]);
  expect((await owner.api("GET", `/api/downloads/${id}`)).status).toBe(404);
});

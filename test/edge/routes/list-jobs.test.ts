/** `GET /jobs` (jobs API 3.6). */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, type Json, newAccount, refusal } from "../support.ts";

interface List {
  jobs: Json[];
  total: number;
  limit: number;
  offset: number;
  filtered_total: number;
  next_cursor: string | null;
}

const JOBS = 50;
let account: Account;
/** Newest first, as the list answers. */
let ids: string[];
beforeAll(async () => {
  account = await newAccount();
  const made: string[] = [];
  for (let n = 0; n < JOBS; n++) made.push(await account.createJob({ url: `https://media.example.com/${n}` }));
  ids = made.sort().reverse();
});

async function list(query = ""): Promise<List> {
  const answer = await account.api<List>("GET", `/jobs${query}`);
  expect(answer.status).toBe(200);
  return answer.body;
}

const idsOf = (page: List): unknown[] => page.jobs.map((job) => job.id);

describe("a page", () => {
  it("has by default the 20 newest, ids descending, and the documented keys", async () => {
    const page = await list();
    expect(idsOf(page)).toEqual(ids.slice(0, 20));
    expect(page).toMatchObject({ total: JOBS, limit: 20, offset: 0, filtered_total: JOBS });
    expect(Object.keys(page)).toEqual(["jobs", "total", "limit", "offset", "filtered_total", "next_cursor"]);
    expect(page.jobs[0]).toEqual({
      id: ids[0],
      url: expect.stringMatching(/^https:\/\/media\.example\.com\/\d+$/),
      status: "Pending",
      s3_key: null,
      error: null,
      step: "Queued",
      created_at: expect.any(Number),
      finished_at: null,
      file_size: null,
      title: null,
      error_type: null,
      folder: null,
      batch_id: null,
      progress: 0,
      metadata: null,
    });
  });

  it.each<[limit: string, effective: number]>([
    ["7", 7],
    ["0", 1],
    ["-3", 1],
    ["101", 100],
    ["99999999999999999999", 100],
    ["abc", 20],
    ["2.5", 20],
    ["1e1", 20],
    ["", 20],
    ["%207", 20],
  ])("limit=%s becomes %d: clamped to 1–100, not an integer is the default", async (limit, effective) => {
    const page = await list(`?limit=${limit}`);
    expect(page.limit).toBe(effective);
    expect(page.jobs).toHaveLength(Math.min(effective, JOBS));
  });

  it.each<[offset: string, effective: number]>([
    ["45", 45],
    ["-1", 0],
    ["x", 0],
    ["1.5", 0],
    ["50", 50],
  ])("offset=%s becomes %d", async (offset, effective) => {
    const page = await list(`?offset=${offset}`);
    expect(page.offset).toBe(effective);
    expect(idsOf(page)).toEqual(ids.slice(effective, effective + 20));
    expect(page.total).toBe(JOBS);
  });

  it("far past the end is empty, with the totals", async () => {
    expect(await list("?offset=99999999999999999999")).toMatchObject({ jobs: [], total: JOBS, next_cursor: null });
  });
});

describe("a cursor", () => {
  it("walks over all jobs once, in order, and ends with null", async () => {
    const seen: unknown[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < 10; pages++) {
      const page: List = await list(`?limit=7${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
      seen.push(...idsOf(page));
      cursor = page.next_cursor;
      if (cursor === null) break;
    }
    expect(seen).toEqual(ids);
  });

  it("is null on a page that just holds the last ones", async () => {
    expect((await list("?limit=50")).next_cursor).toBeNull();
    expect((await list("?limit=49")).next_cursor).not.toBeNull();
  });

  it("makes offset count for nothing", async () => {
    const { next_cursor } = await list("?limit=5");
    expect(idsOf(await list(`?limit=5&cursor=${next_cursor}&offset=30`))).toEqual(ids.slice(5, 10));
  });

  it("is not moved by jobs that arrive meanwhile", async () => {
    const other = await newAccount();
    const old = [await other.createJob(), await other.createJob()].sort().reverse();
    const first = (await other.api<List>("GET", "/jobs?limit=1")).body;
    await other.createJob();
    const second = (await other.api<List>("GET", `/jobs?limit=1&cursor=${first.next_cursor}`)).body;
    expect([...idsOf(first), ...idsOf(second)]).toEqual(old);
  });

  it.each(["", "x", "bm9wZQ", "%F0%9F%98%80", "MDFhMjMxMGM", "..", "null"])(
    "that we did not make (%j) is 400 Invalid cursor",
    async (cursor) => {
      expect(refusal(await account.api("GET", `/jobs?cursor=${cursor}`))).toEqual({
        status: 400,
        error: "Invalid cursor",
      });
    },
  );
});

describe("a filter", () => {
  let mixed: Account;
  let cancelled: string;
  beforeAll(async () => {
    mixed = await newAccount();
    await mixed.createJob();
    cancelled = await mixed.createJob();
    await mixed.createJob();
    expect((await mixed.api("DELETE", `/jobs/${cancelled}`)).status).toBe(200);
  });

  it.each<[status: string, jobs: number]>([
    ["pending", 2],
    ["processing", 0],
    ["completed", 0],
    ["failed", 1],
    ["warning", 0],
    ["skipped", 0],
  ])("status=%s: %d of 3; total counts all, filtered_total what matches", async (status, jobs) => {
    const { body } = await mixed.api<List>("GET", `/jobs?status=${status}`);
    expect(body.jobs).toHaveLength(jobs);
    expect(body).toMatchObject({ total: 3, filtered_total: jobs });
  });

  it.each(["Pending", "FAILED", "cancelled", "queued", "", "nope"])(
    "status=%s is none, and ignored",
    async (status) => {
      const { body } = await mixed.api<List>("GET", `/jobs?status=${status}`);
      expect(body).toMatchObject({ total: 3, filtered_total: 3 });
      expect(body.jobs).toHaveLength(3);
    },
  );

  it("shows a cancelled job at once as it is told by GET /jobs/{id}", async () => {
    const { body } = await mixed.api<List>("GET", "/jobs?status=failed");
    expect(body.jobs[0]).toMatchObject({
      id: cancelled,
      status: "Failed",
      step: "Cancelled",
      error: "Job cancelled by user",
      error_type: "error",
      finished_at: expect.any(Number),
    });
  });

  it.each(["01a2310c-eb60-70c6-a6a3-a4506513270e", "nope", ""])(
    "batch_id=%s, which is unknown: an empty list",
    async (id) => {
      const { body } = await mixed.api<List>("GET", `/jobs?batch_id=${id}`);
      expect(body).toMatchObject({ jobs: [], total: 3, filtered_total: 0, next_cursor: null });
    },
  );
});

/** One drain flight into D1: a row only overwrites an older version of itself, so any repeat and any order is harmless. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { drainToD1 } from "../../../edge/db/drain-to-d1.ts";
import { findJob } from "../../../edge/db/jobs.ts";
import type { D1Flight, FileRow, UsageRow } from "../../../edge/partition/drain.ts";
import { DRAINED_COLUMNS, type JobRow } from "../../../edge/partition/job-row.ts";

const ACCOUNT = "01a2310c-0000-7000-8000-000000000001";

function jobRow(id: string, version: number, changes: Partial<JobRow> = {}): JobRow {
  const empty = Object.fromEntries(DRAINED_COLUMNS.map((column) => [column, null])) as unknown as JobRow;
  return {
    ...empty,
    id,
    version,
    account_id: ACCOUNT,
    surface: "jobs",
    role: "single",
    url: "https://media.example.com/v1",
    state: "queued",
    status: "Pending",
    options: "{}",
    priority: 0,
    tags: "[]",
    target_id: "managed",
    source_host: "media.example.com",
    origin: "https://edge.test",
    created_at: 1,
    queued_at: 1,
    attempt: 0,
    attempts: 0,
    tries: "{}",
    ...changes,
  };
}

function usageRow(version: number, changes: Partial<UsageRow> = {}): UsageRow {
  const counters = {
    jobs_pending: 0,
    jobs_processing: 0,
    jobs_completed: 0,
    jobs_failed: 0,
    jobs_warning: 0,
    jobs_skipped: 0,
  };
  return {
    account_id: ACCOUNT,
    version,
    usage_count: 0,
    bytes_used: 0,
    bytes_reserved: 0,
    event: 1,
    ...counters,
    ...changes,
  };
}

function fileRow(id: string, job: string, changes: Partial<FileRow> = {}): FileRow {
  return {
    file_id: id,
    job_id: job,
    account_id: ACCOUNT,
    kind: "media",
    language: null,
    path: "videos/a.mp4",
    store_key: "videos/a.mp4",
    target_id: "managed",
    size: 1,
    content_type: "video/mp4",
    sha256: null,
    etag: '"e"',
    created_at: 1,
    deleted_at: null,
    sealed_url: null,
    url_until: null,
    ...changes,
  };
}

const GENERATION = { partition: "p1:flights:0", epoch: 1, d1_event: 1, stream_event: 0, courier_event: 0 };

/** A flight with some kinds of rows; every other kind is empty. */
function drain(flight: Partial<D1Flight>): Promise<void> {
  const empty = { jobs: [], files: [], attempts: [], usage: [], batches: [], idempotency: [], accounts: [] };
  return drainToD1(env.DB, { ...empty, ...flight }, GENERATION);
}

const read = async (id: string): Promise<JobRow | undefined> => (await findJob(env.DB, ACCOUNT, id))?.row;
const attempt = { job_id: "", attempt: 1, epoch: 1, node: "fra-07", began: 5, ended: null, outcome: null, error: null };
const attemptsOf = async (job: string) =>
  (await env.DB.prepare("SELECT * FROM attempts WHERE job_id = ? ORDER BY epoch, attempt").bind(job).all()).results;

describe("jobs", () => {
  it("arrive with every column as it was sent", async () => {
    const id = crypto.randomUUID();
    const row = jobRow(id, 1, { title: "Ünï \"quoted\" 'x'", metadata: '{"a":null}', progress: 33.3, tags: '["a=b"]' });
    await drain({ jobs: [row] });
    expect(await read(id)).toEqual(row);
  });

  it("are overwritten by a newer version, wholly: a value may become null again", async () => {
    const id = crypto.randomUUID();
    await drain({ jobs: [jobRow(id, 1, { sealed: "secret", error: "x" })] });
    const newer = jobRow(id, 2, { state: "completed", status: "Completed", finished_at: 9 });
    await drain({ jobs: [newer] });
    expect(await read(id)).toEqual(newer);
  });

  it.each([
    ["an older version", 4],
    ["the same version", 5],
  ])("are never overwritten by %s", async (_, version) => {
    const id = crypto.randomUUID();
    const now = jobRow(id, 5, { state: "completed", status: "Completed", finished_at: 9 });
    await drain({ jobs: [now] });
    await drain({ jobs: [jobRow(id, version, { state: "running", status: "Processing" })] });
    expect(await read(id)).toEqual(now);
  });

  it("end as the newest version, whatever the order in which versions arrive, and however often", async () => {
    const id = crypto.randomUUID();
    const versions = [3, 1, 5, 2, 5, 4, 1].map((version) => jobRow(id, version, { title: `v${version}` }));
    for (const row of versions) await drain({ jobs: [row] });
    expect((await read(id))?.title).toBe("v5");
  });

  it("arrive by the hundred in one statement", async () => {
    const rows = Array.from({ length: 500 }, () => jobRow(crypto.randomUUID(), 1, { batch_id: "many" }));
    await drain({ jobs: rows });
    const count = await env.DB.prepare("SELECT count(*) AS n FROM jobs WHERE batch_id = 'many'").first("n");
    expect(count).toBe(500);
  });
});

describe("files", () => {
  it("are inserted once; a repeat neither doubles nor revives one that was deleted", async () => {
    const [id, job] = [crypto.randomUUID(), crypto.randomUUID()];
    await drain({ files: [fileRow(id, job)] });
    await env.DB.prepare("UPDATE files SET deleted_at = 7 WHERE file_id = ?").bind(id).run();
    await drain({ files: [fileRow(id, job, { path: "videos/other.mp4" })] });
    const { results } = await env.DB.prepare("SELECT file_id, path, deleted_at FROM files WHERE job_id = ?")
      .bind(job)
      .all();
    expect(results).toEqual([{ file_id: id, path: "videos/a.mp4", deleted_at: 7 }]);
  });
});

describe("attempts", () => {
  it("end once and stay ended: a late row of their beginning changes nothing", async () => {
    const job = crypto.randomUUID();
    const began = { ...attempt, job_id: job };
    const over = { ...began, ended: 9, outcome: "network", error: "x" };
    for (const row of [began, over, began, over]) await drain({ attempts: [row] });
    expect(await attemptsOf(job)).toEqual([over]);
  });

  it("may begin and end in the same flight", async () => {
    const job = crypto.randomUUID();
    const began = { ...attempt, job_id: job };
    const over = { ...began, ended: 9, outcome: "completed" };
    await drain({ attempts: [began, over] });
    expect(await attemptsOf(job)).toEqual([over]);
  });

  it("of two generations are two rows", async () => {
    const job = crypto.randomUUID();
    const rows = [1, 2].map((epoch) => ({ ...attempt, job_id: job, epoch }));
    await drain({ attempts: rows });
    expect(await attemptsOf(job)).toEqual(rows);
  });
});

describe("usage", () => {
  const usage = () => env.DB.prepare("SELECT * FROM usage WHERE account_id = ?").bind(ACCOUNT).first();

  it("travels as absolute values: a repeat counts nothing twice, a late flight undoes nothing", async () => {
    const first = usageRow(10, { usage_count: 3, jobs_pending: 3 });
    for (const _ of [1, 2, 3]) await drain({ usage: [first] });
    expect(await usage()).toEqual(first);
    const newer = usageRow(12, { usage_count: 4, jobs_pending: 1, jobs_completed: 3, bytes_used: 99 });
    await drain({ usage: [newer] });
    await drain({ usage: [usageRow(11, { usage_count: 4, jobs_pending: 2 })] });
    expect(await usage()).toEqual(newer);
  });
});

describe("a flight", () => {
  it("is one transaction: if one row cannot be written, none of it is there", async () => {
    const id = crypto.randomUUID();
    const broken = fileRow(crypto.randomUUID(), id, { etag: null as unknown as string });
    await expect(drain({ jobs: [jobRow(id, 1)], files: [broken] })).rejects.toThrow(/NOT NULL/);
    expect(await read(id)).toBeUndefined();
  });

  it("of nothing asks nothing of D1", async () => {
    await expect(drain({})).resolves.toBeUndefined();
  });

  it("with a value that D1 would refuse for its size is refused here, before it is sent", async () => {
    const row = jobRow(crypto.randomUUID(), 1, { options: "x".repeat(2_000_001) });
    await expect(drain({ jobs: [row] })).rejects.toThrow(/too large/);
  });

  it("counts bytes, not characters", async () => {
    const row = jobRow(crypto.randomUUID(), 1, { options: "é".repeat(1_000_001) });
    await expect(drain({ jobs: [row] })).rejects.toThrow(/too large/);
  });

  it("whose rows are too large together, as bytes, goes in several statements, still all or nothing", async () => {
    const wide = () => jobRow(crypto.randomUUID(), 1, { description: "語".repeat(300_000) });
    const rows = [wide(), wide(), wide(), wide(), wide()];
    await drain({ jobs: rows });
    for (const row of rows) expect(await read(row.id)).toEqual(row);
    const more = [wide(), wide(), wide()];
    const broken = { ...wide(), url: null as unknown as string };
    await expect(drain({ jobs: [...more, broken] })).rejects.toThrow(/NOT NULL/);
    for (const row of more) expect(await read(row.id)).toBeUndefined();
  });
});

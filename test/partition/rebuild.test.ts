/** What a partition that lost its storage takes from D1, beyond its live jobs (birth rule; decisions 030–032). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { partitionNotices } from "../../edge/courier/partition-notices.ts";
import { cancelBatch } from "../../edge/partition/batch-commands.ts";
import { createBatch, type NewBatch } from "../../edge/partition/batches.ts";
import { createJobs } from "../../edge/partition/create.ts";
import { nextEvents, readCursor, retire, SINKS } from "../../edge/partition/drain.ts";
import type { EventRow } from "../../edge/partition/events.ts";
import { becomeParent } from "../../edge/partition/expand.ts";
import { beginIdempotent, finishIdempotent } from "../../edge/partition/idempotency.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import type { Turn } from "../../edge/partition/turn.ts";
import { IDEMPOTENCY_KEPT_MS } from "../../shared/limits.ts";
import { account, id, identity, type JobWish, newJob, START } from "./fixtures.ts";
import { Generations } from "./generations.ts";
import type { Harness } from "./harness.ts";
import { nodeSql } from "./node-sql.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");
const ANN = account("ann");
const HOOK = "https://hooks.example/in";
const KEY = { account: "ann", keyId: "key", key: "k1", fingerprint: "same", owner: "one" };

let world: Generations;
let first: Harness;
beforeEach(async () => {
  world = new Generations([ANN]);
  first = await world.birth();
});

function newBatch(total: number, wish: Partial<NewBatch> = {}): NewBatch {
  return {
    id: id(100),
    account_id: "ann",
    kind: "playlist",
    source_url: "https://lists.example/1",
    folder: null,
    parent_job_id: null,
    webhook_url: HOOK,
    created_at: START,
    paused: false,
    truncated: false,
    total,
    ...wish,
  };
}

function createList(harness: Harness, total: number, wish: JobWish = {}): string[] {
  const jobs = Array.from({ length: total }, (_, index) =>
    newJob(id(index + 1), "ann", { batch_id: id(100), batch_index: index, webhook_url: HOOK, ...wish }),
  );
  harness.run((turn) =>
    createJobs(turn, ANN, jobs, () => void createBatch(turn, newBatch(total, { paused: wish.held ?? false }))),
  );
  return jobs.map((job) => job.id);
}

function told(harness: Harness, events: readonly EventRow[]) {
  return partitionNotices({ sql: harness.sql, db: world.d1, sign: async () => "signed" }, events);
}

describe("an end that the courier was not handed", () => {
  it("is handed to it after the rebuild, with the same webhook-id, files and all", async () => {
    first.create(id(1), { webhook_url: HOOK });
    first.finish(id(1));
    await world.drain(first);
    const before = await told(first, nextEvents(first.sql, "courier"));
    const next = await world.lose();
    const events = nextEvents(next.sql, "courier");
    expect(events.map((event) => event.type)).toEqual(["job.completed"]);
    const again = await told(next, events);
    expect(again).toEqual(before.filter((notice) => notice.type === "job_completed"));
    expect(JSON.parse(again[0]?.body ?? "")).toMatchObject({ key: "videos/A title.mp4", s3_url: "signed" });
    expect(nextEvents(next.sql, "stream").map((event) => event.id)).toEqual(events.map((event) => event.id));
    world.pass(next);
    expect(retire(next.sql, 10)).toBe(1);
  });

  it("is a failure for the Slack, and the batch's too, after those of its jobs", async () => {
    const jobs = createList(first, 2);
    for (const job of jobs) {
      first.start(job);
      first.fail(job, "clip");
    }
    await world.drain(first);
    const next = await world.lose();
    const notices = await told(next, nextEvents(next.sql, "courier"));
    expect(notices.map((notice) => `${notice.channel} ${notice.type}`)).toEqual([
      ...["webhook job_failed", "slack job_failed", "webhook job_failed", "slack job_failed"],
      "webhook batch_completed",
    ]);
  });

  it("is not put back once it was, nor told before D1 has it", async () => {
    first.create(id(1), { webhook_url: HOOK });
    await world.drain(first);
    first.finish(id(1));
    expect(nextEvents(first.sql, "courier").map((event) => event.type)).toEqual(["job.created"]);
    await world.drain(first);
    world.pass(first);
    // The cursors travel with the next flight.
    first.create(id(2));
    await world.drain(first);
    const next = await world.lose();
    expect(next.sql.all("SELECT id, state FROM jobs")).toEqual([{ id: id(2), state: "queued" }]);
    expect(SINKS.map((sink) => nextEvents(next.sql, sink).length)).toEqual([0, 0, 0]);
  });

  it("is news to nobody after the courier has forgotten it", async () => {
    first.create(id(1), { webhook_url: HOOK });
    first.finish(id(1));
    await world.drain(first);
    const next = await world.lose(30 * 24 * 60 * 60_000);
    expect(nextEvents(next.sql, "courier")).toEqual([]);
  });
});

describe("an idempotency key", () => {
  const start = (harness: Harness, key = KEY) => harness.run((turn) => beginIdempotent(turn, key));
  function create(harness: Harness): void {
    start(harness);
    harness.run((turn) => {
      const wish = { idempotency_key: KEY.key, idempotency_fingerprint: KEY.fingerprint };
      const result = createJobs(turn, ANN, [newJob(id(1), "ann", wish)]);
      if (result.kind === "created") finishIdempotent(turn, KEY, '{"job_id":"1"}', Math.max(...result.events));
    });
  }

  it("is answered as before though the job has ended and its partition was lost", async () => {
    create(first);
    await world.drain(first);
    first.finish(id(1));
    await world.drain(first);
    const next = await world.lose();
    expect(start(next, { ...KEY, owner: "two" })).toMatchObject({ kind: "replay", body: '{"job_id":"1"}' });
    expect(start(next, { ...KEY, fingerprint: "other" })).toEqual({ kind: "mismatch" });
    expect(start(next, { ...KEY, keyId: "another key" })).toEqual({ kind: "run" });
  });

  it("is free again when nothing of its create reached D1, and after 24 h", async () => {
    create(first);
    expect(start(await world.lose(), { ...KEY, owner: "two" })).toEqual({ kind: "run" });
    world = new Generations([ANN]);
    first = await world.birth();
    create(first);
    await world.drain(first);
    expect(start(await world.lose(IDEMPOTENCY_KEPT_MS + 1), { ...KEY, owner: "two" })).toEqual({ kind: "run" });
  });

  it("leaves D1 when a later one arrives after 24 h", async () => {
    create(first);
    await world.drain(first);
    first.now += IDEMPOTENCY_KEPT_MS + 1;
    start(first, { ...KEY, key: "k2" });
    first.run((turn) => {
      const wish = { idempotency_key: "k2", idempotency_fingerprint: KEY.fingerprint };
      const result = createJobs(turn, ANN, [newJob(id(2), "ann", wish)]);
      if (result.kind === "created") finishIdempotent(turn, { ...KEY, key: "k2" }, "{}", Math.max(...result.events));
    });
    await world.drain(first);
    expect(world.d1.sql.all("SELECT key FROM idempotency")).toEqual([{ key: "k2" }]);
  });
});

describe("a list of which D1 has only a part", () => {
  it("is taken back whole: nobody was told of it, and none of its jobs had begun", async () => {
    createList(first, 4);
    await world.drain(first, 3);
    expect(world.d1.jobs()).toHaveLength(2);
    const lease = (turn: Turn) =>
      leaseJobs(turn, identity("n1"), "r", { download: 4, live: 0 }, readCursor(turn.sql, "d1"));
    expect(first.run(lease)).toEqual([]);
    const next = await world.lose();
    expect(world.d1.jobs()).toEqual([]);
    expect(world.d1.batches()).toEqual([]);
    expect(next.sql.get("SELECT usage_count, pending, ready FROM accounts")).toEqual({
      usage_count: 0,
      pending: 0,
      ready: 0,
    });
  });

  it("is looked up again by its parent, which comes to the same ids", async () => {
    first.create(id(1));
    await world.drain(first);
    first.start(id(1));
    await world.drain(first);
    const entries = [1, 2, 3].map((n) => ({ url: `https://media.example/${n}`, title: null }));
    const list = { kind: "list" as const, title: "A list", entries, truncated: false };
    const ids = { batch: id(100), children: [id(11), id(12), id(13)] };
    first.run((turn) => becomeParent(turn, first.job(id(1)), list, ids));
    await world.drain(first, 3);
    expect(world.d1.job(id(1))).toMatchObject({ state: "parent" });
    const next = await world.lose();
    expect(next.sql.all("SELECT id, state, role, batch_id FROM jobs")).toEqual([
      { id: id(1), state: "queued", role: "single", batch_id: null },
    ]);
    next.start(id(1));
    next.run((turn) => becomeParent(turn, next.job(id(1)), list, ids));
    expect(next.sql.get("SELECT usage_count FROM accounts")).toEqual({ usage_count: 4 });
    expect(next.lease(undefined, 5)).toEqual(ids.children);
  });
});

describe("counters", () => {
  it("of a batch are those of the jobs that D1 has, not of its own newer row", async () => {
    const [one = "", two = ""] = createList(first, 3);
    await world.drain(first);
    for (const job of [one, two]) {
      first.start(job);
      first.fail(job, "clip");
    }
    // The first job's start and end, and the start of the second: the batch's row has both ends.
    await world.drain(first, 3);
    expect(world.d1.batches()).toMatchObject([{ failed: 2 }]);
    expect(world.d1.job(two)).toMatchObject({ state: "failed" });
    await world.drain(first, 1);
    const next = await world.lose();
    expect(next.sql.get("SELECT failed, processing, total, status FROM batches")).toEqual({
      failed: 2,
      processing: 0,
      total: 3,
      status: "processing",
    });
  });

  it("of a batch that ended beyond what D1 has heard of end it again, with its parent", async () => {
    createList(first, 2);
    await world.drain(first);
    first.run((turn) => cancelBatch(turn, "ann", id(100), true));
    await world.drain(first, 1);
    expect(world.d1.batches()).toMatchObject([{ status: "finished" }]);
    const next = await world.lose();
    expect(next.sql.get("SELECT status, cancelled, finished_at FROM batches")).toEqual({
      status: "processing",
      cancelled: 1,
      finished_at: null,
    });
  });

  it("of a paused batch leave it paused while one of its jobs is held", async () => {
    createList(first, 2, { held: true });
    await world.drain(first);
    expect((await world.lose()).sql.get("SELECT status FROM batches")).toEqual({ status: "paused" });
  });

  it("of the account add what ended after D1 had them", async () => {
    for (const n of [1, 2]) first.create(id(n));
    await world.drain(first);
    for (const n of [1, 2]) first.finish(id(n));
    // All of the first job, and of the second its start, which brings the row as it is by now.
    await world.drain(first, 5);
    expect(world.d1.usage()).toMatchObject([{ jobs_completed: 0, bytes_used: 0 }]);
    const next = await world.lose();
    const done = world.d1.jobs().filter((job) => job.state === "completed").length;
    expect(done).toBe(2);
    expect(next.sql.get("SELECT completed, pending, bytes_used, usage_count FROM accounts")).toEqual({
      completed: 2,
      pending: 0,
      bytes_used: 200,
      usage_count: 2,
    });
  });

  it("of a limited key hold again before its next create", async () => {
    world.addKey("key", "ann", { max_concurrent: 1, max_queued: 2 });
    for (const n of [1, 2]) first.create(id(n));
    await world.drain(first);
    const next = await world.lose();
    expect(next.lease(undefined, 5)).toEqual([id(1)]);
    expect(next.sql.get("SELECT pending, active FROM keys")).toEqual({ pending: 2, active: 1 });
  });
});

it("hand-outs that ended with their generation are over in D1 too, and lists show their jobs as waiting", async () => {
  first.create(id(1));
  first.start(id(1));
  await world.drain(first);
  const next = await world.lose();
  await world.drain(next);
  expect(world.d1.sql.all("SELECT attempt, outcome FROM attempts")).toEqual([{ attempt: 1, outcome: "lost" }]);
  expect(world.d1.job(id(1))).toMatchObject({ state: "queued", status: "Pending" });
});

it("a database of the release before takes every end as told, and its counters as they are", () => {
  const sql = nodeSql();
  const apply = (script: string) => sql.database.exec(readFileSync(join(MIGRATIONS, script), "utf8"));
  const scripts = readdirSync(MIGRATIONS).sort();
  const rebuild = scripts.indexOf("0003_rebuild.sql");
  for (const script of scripts.slice(0, rebuild)) apply(script);
  sql.database.exec(`
    INSERT INTO partitions (name, epoch, claimed_at) VALUES ('p', 3, 0);
    INSERT INTO usage VALUES ('ann', 1, 1, 0, 0, 0, 0, 1, 0, 0, 0);
    INSERT INTO jobs (id, account_id, surface, url, state, status, version, options, target_id, source_host, origin,
      created_at, queued_at, terminal_event_id) VALUES ('j', 'ann', 'jobs', 'u', 'completed', 'Completed', 1, '{}', 't', 'h', 'o', 0, 0, 77);
  `);
  for (const script of scripts.slice(rebuild)) apply(script);
  expect(sql.all("SELECT live, epoch, d1_event, stream_event, courier_event FROM partitions")).toEqual([
    { live: 1, epoch: 3, d1_event: 77, stream_event: 77, courier_event: 77 },
  ]);
  expect(sql.get("SELECT event, jobs_completed FROM usage")).toEqual({ event: 77, jobs_completed: 1 });
});

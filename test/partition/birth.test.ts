/** The birth rule (DESIGN section 2): an empty storage claims a generation and takes from D1 what is not finished. */
import { beforeEach, describe, expect, it } from "vitest";
import { isSuperseded } from "../../edge/db/generation.ts";
import { extracted, fail } from "../../edge/partition/report.ts";
import { account, id, identity, info } from "./fixtures.ts";
import { Generations } from "./generations.ts";
import { Harness, MINUTE } from "./harness.ts";
import { nodeSql } from "./node-sql.ts";
import type { VirtualD1 } from "./simulation/virtual-d1.ts";

const ACCOUNTS = [account("ann"), account("bob")];

let world: Generations;
let d1: VirtualD1;
let harness: Harness;
beforeEach(async () => {
  world = new Generations(ACCOUNTS);
  d1 = world.d1;
  harness = new Harness();
});

/** Everything that a flight writes. */
function dump(): unknown {
  const tables = ["jobs", "batches", "files", "attempts", "usage", "idempotency", "partitions"];
  return tables.map((table) => d1.sql.all(`SELECT * FROM ${table}`));
}

/** A storage that lived as generation 1, all of it in D1, and then was lost. */
async function lose(): Promise<Harness> {
  await world.birth();
  await world.land(world.flight(harness));
  return world.lose();
}

describe("a birth", () => {
  it("claims the next generation each time the storage is empty, and none when it is not", async () => {
    const first = nodeSql();
    expect((await world.birth(first)).core.epoch).toBe(1);
    expect((await world.birth(first)).core.epoch).toBe(1);
    expect((await world.birth()).core.epoch).toBe(2);
    expect((await world.birth()).core.epoch).toBe(3);
  });

  it("puts every live job back where it can be handed out, and a finished one nowhere", async () => {
    for (const [n, until] of ["queued", "offered", "running", "finishing", "failed"].entries()) {
      const job = id(n + 1);
      harness.create(job, { tags: until === "queued" ? ["gpu=1"] : [] }, ACCOUNTS[n % 2]);
      if (until === "offered") harness.lease();
      if (until === "running" || until === "finishing" || until === "failed") harness.start(job);
      if (until === "finishing") {
        harness.extracted(job, "Clip");
        harness.complete(job);
      }
      if (until === "failed") harness.fail(job, "removed");
    }
    const next = await lose();
    const rows = next.sql.all<{ id: string; state: string; node_id: string | null; attempts: number }>(
      "SELECT id, state, node_id, attempts FROM jobs ORDER BY id",
    );
    expect(rows).toEqual([
      { id: id(1), state: "queued", node_id: null, attempts: 0 },
      { id: id(2), state: "queued", node_id: null, attempts: 0 },
      { id: id(3), state: "queued", node_id: null, attempts: 1 },
      { id: id(4), state: "queued", node_id: null, attempts: 1 },
      // Only until its sinks have heard of it.
      { id: id(5), state: "warning", node_id: null, attempts: 1 },
    ]);
    expect(next.sql.all("SELECT id, ready, active, pending, processing, warning FROM accounts ORDER BY id")).toEqual([
      { id: "ann", ready: 2, active: 0, pending: 2, processing: 0, warning: 1 },
      { id: "bob", ready: 2, active: 0, pending: 2, processing: 0, warning: 0 },
    ]);
  });

  it("lets a job go on waiting for its stream, no longer than it would have, and keeps what is live apart", async () => {
    harness.create(id(1), { options: { wait_for_video: true } }, ACCOUNTS[0]);
    harness.start(id(1));
    const announced = { permanent: false, message: null, retryAfterMs: null, startsInMs: 5 * MINUTE };
    const waiting = harness.run((turn) => fail(turn, harness.job(id(1)), { class: "not_begun", ...announced }));
    harness.create(id(2), { options: { live_recording: true } }, ACCOUNTS[0]);
    harness.create(id(3), {}, ACCOUNTS[0]);
    harness.lease(identity("n1"), 1);
    harness.confirm(id(3));
    harness.run((turn) => extracted(turn, harness.job(id(3)), info({ is_live: true })));
    const next = await lose();
    const { wait_until, starts_at, not_before } = waiting;
    expect(next.job(id(1))).toMatchObject({ state: "waiting", wait_until, starts_at, not_before });
    expect([id(1), id(2), id(3)].map((job) => next.job(job).live)).toEqual([0, 1, 1]);
  });

  it("makes all older tokens stale at once, and gives none a second time", async () => {
    harness.create(id(1));
    harness.start(id(1));
    const next = await lose();
    for (const token of ["1.1", "2.1"]) expect(next.claim(id(1), token).kind).toBe("stale");
    next.now += MINUTE;
    expect(next.leased(identity("n1"))[0]?.token).toBe("2.2");
  });

  it("holds the names of files and of reservations again, thumbnails included", async () => {
    harness.create(id(1));
    harness.finish(id(1), identity("n1"), "Clip");
    harness.create(id(2), { options: { download_thumbnail: true } });
    harness.start(id(2));
    harness.extracted(id(2), "Clip");
    const next = await lose();
    expect(next.sql.all("SELECT folded, suffix, job_id FROM names ORDER BY folded")).toEqual([
      { folded: "videos/clip (2).jpg", suffix: 2, job_id: id(2) },
      { folded: "videos/clip (2).mp4", suffix: 2, job_id: id(2) },
      { folded: "videos/clip.mp4", suffix: 1, job_id: id(1) },
    ]);
  });

  it("knows again where the files of live jobs go, their credentials sealed, and the account's own storage", async () => {
    const place = { provider: "s3", endpoint: "https://s3.example.com", bucket: "b", region: "auto" };
    const folders = { folder_prefix: "p", base_folder: "videos" };
    const own = { id: "t1", ...place, ...folders, sealed: "v1.sealed" } as const;
    for (const target of ["t1", "t2", "t3"]) {
      d1.sql.run(
        `INSERT INTO targets (id, account_id, provider, endpoint, bucket, region, folder_prefix, base_folder, created_at)
         VALUES (?, 'ann', 's3', 'https://s3.example.com', 'b', 'auto', 'p', 'videos', 0)`,
        target,
      );
    }
    d1.sql.run(
      "INSERT INTO target_credentials (target_id, sealed, masked, updated_at) VALUES ('t1', 'v1.sealed', '', 0)",
    );
    d1.sql.run("UPDATE accounts SET active_target = 't1' WHERE id = 'ann'");
    harness.create(id(1), { target_id: "t1" });
    harness.create(id(2), { target_id: "t2", sealed: "v1.job" });
    harness.create(id(3), { target_id: "t3" });
    harness.start(id(1));
    harness.extracted(id(1), "Clip");
    harness.run((turn) => turn.sql.run("UPDATE jobs SET state = 'cancelled', finished_at = 1 WHERE id = ?", id(3)));
    const next = await lose();
    expect(next.sql.all("SELECT * FROM targets ORDER BY id")).toEqual([own, { ...own, id: "t2", sealed: null }]);
    const row = next.sql.get<{ storage: string }>("SELECT storage FROM accounts WHERE id = 'ann'");
    expect(JSON.parse(row?.storage ?? "null")).toEqual(own);
    expect(next.job(id(2)).sealed).toBe("v1.job");
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "that D1 interrupts at statement %i starts over and counts nothing twice",
    async (n) => {
      harness.create(id(1), {}, ACCOUNTS[0]);
      harness.create(id(2), {}, ACCOUNTS[1]);
      await world.birth();
      await world.land(world.flight(harness));
      const sql = nodeSql();
      d1.statementsLeft = n;
      const interrupted = await world.birth(sql).then(
        () => false,
        () => true,
      );
      d1.statementsLeft = Number.POSITIVE_INFINITY;
      const next = await world.birth(sql);
      expect(next.core.epoch).toBe(interrupted ? 3 : 2);
      expect(next.sql.all("SELECT ready, pending FROM accounts ORDER BY id")).toEqual([
        { ready: 1, pending: 1 },
        { ready: 1, pending: 1 },
      ]);
      expect(next.lease(identity("n1"), 5).toSorted()).toEqual([id(1), id(2)]);
    },
  );

  it("refuses a flight of the dead generation that lands after it has claimed: no row of it is written", async () => {
    harness.create(id(1));
    await world.birth();
    await world.land(world.flight(harness));
    harness.start(id(1));
    harness.fail(id(1), "removed");
    const late = world.flight(harness);
    const next = await world.birth();
    const before = dump();
    const refusal = await world.land(late).catch((error: unknown) => error);
    expect(isSuperseded(refusal)).toBe(true);
    expect(dump()).toEqual(before);
    next.finish(id(1), identity("n1"), "Clip");
    await world.land(world.flight(next));
    expect(d1.job(id(1))).toMatchObject({ state: "completed" });
    expect(d1.usage()).toMatchObject([{ jobs_completed: 1, jobs_warning: 0, jobs_pending: 0 }]);
  });
});

describe("a flight to D1", () => {
  it("that lands twice, or after a newer one, changes nothing", async () => {
    harness.create(id(1));
    const older = world.flight(harness);
    harness.finish(id(1));
    const newer = world.flight(harness);
    for (const each of [older, newer, older, newer]) await world.land(each);
    expect(d1.job(id(1))).toMatchObject({ state: "completed", attempts: 1 });
    expect(d1.files()).toHaveLength(1);
    expect(d1.usage()).toMatchObject([{ jobs_completed: 1, jobs_pending: 0 }]);
    expect(d1.sql.all("SELECT attempt, outcome FROM attempts")).toEqual([{ attempt: 1, outcome: "completed" }]);
  });
});

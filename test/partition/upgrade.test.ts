/** The storage of every older version of the schema opens, and its jobs go on (DESIGN section 8). */
import { describe, expect, it } from "vitest";
import { createJobs } from "../../edge/partition/create.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { runDue } from "../../edge/partition/reap.ts";
import { enterSession } from "../../edge/partition/sessions.ts";
import { account, id, identity, newJob } from "./fixtures.ts";
import { Generations } from "./generations.ts";
import { type Harness, MINUTE } from "./harness.ts";
import { D1_MIGRATIONS, OLDER_PARTITIONS, olderD1, olderPartition, scriptOf } from "./older-schema.ts";

const ANN = account("ann");
const KEY = { id: "limited", limits: { max_concurrent: 1 } };
const EU = identity("eu", { tags: ["region=eu"] });
const LIMITED = [id(20), id(21)];
const OTHERS = [id(1), id(2), id(3), id(4), id(5), id(6)];

/** One job in each place that a job can wait in. */
function fill(harness: Harness): void {
  harness.create(id(1));
  harness.start(id(1));
  harness.create(id(2), { priority: 9 });
  harness.start(id(2), identity("n2"));
  harness.fail(id(2), "network");
  harness.create(id(3), { priority: 9 });
  harness.lease(identity("n3"));
  harness.create(id(4), { tags: ["region=eu"], priority: 5 });
  harness.create(id(5), { options: { live_recording: true } });
  harness.create(id(6));
  harness.run((turn) =>
    createJobs(
      turn,
      ANN,
      LIMITED.map((job) => newJob(job, "ann", { key_id: "limited" })),
      () => {},
      KEY,
    ),
  );
}

/** A while later, on the same storage, by the code of today. */
async function reopen(world: Generations, old: Harness): Promise<Harness> {
  const harness = await world.birth(old.sql);
  harness.now = old.now + 20 * MINUTE;
  return harness;
}

/** Nodes with and without tags take what there is until nothing is left; how many jobs of the limited key ran at once. */
function work(harness: Harness): number {
  let together = 0;
  for (let round = 0; round < 10; round++) {
    harness.now += 16 * MINUTE;
    harness.run((turn) => runDue(turn, { lastHandledAt: harness.now, dueAt: harness.now }));
    for (const who of [EU, identity("n4")]) {
      const leased = harness.run((turn) => {
        enterSession(turn, who);
        return leaseJobs(turn, who, `${who.node}-${round}`, { download: 8, live: 8 }, Number.MAX_SAFE_INTEGER);
      });
      together = Math.max(together, leased.filter(({ job }) => LIMITED.includes(job)).length);
      for (const { job } of leased) {
        harness.confirm(job, who);
        harness.extracted(job, job);
        harness.complete(job);
        harness.committed(job);
      }
    }
  }
  return together;
}

/** Versions before 4 did not count keys, so a limit of theirs begins with the key's next use. */
const COUNTS_KEYS = 4;

describe.each(OLDER_PARTITIONS)("the storage of a partition of schema version %i", (version) => {
  it("opens, and every job of it ends as it would have", async () => {
    const world = new Generations([ANN]);
    world.addKey(KEY.id, "ann", KEY.limits);
    const old = await world.birth();
    fill(old);
    await world.drain(old);
    olderPartition(old.sql.database, version);
    const harness = await reopen(world, old);
    const together = work(harness);
    if (version >= COUNTS_KEYS) expect(together).toBe(1);
    const states = [...OTHERS, ...LIMITED].map((job) => [job, harness.job(job).state]);
    expect(states).toEqual([...OTHERS, ...LIMITED].map((job) => [job, "completed"]));
    expect(harness.sql.get("SELECT pending, processing, completed, ready, active FROM accounts")).toEqual({
      pending: 0,
      processing: 0,
      completed: 8,
      ready: 0,
      active: 0,
    });
    await world.drain(harness);
    expect(world.d1.jobs().map((job) => job.status)).toEqual(Array(8).fill("Completed"));
  });
});

const OLDER_D1 = D1_MIGRATIONS.slice(0, -1).map((_, index) => D1_MIGRATIONS.slice(0, index + 1));

describe.each(OLDER_D1.map((names) => [names.at(-1) ?? "", names] as const))("a D1 as %s left it", (_, names) => {
  it("takes the later migrations with everything in it", async () => {
    const world = new Generations([ANN]);
    const old = await world.birth();
    fill(old);
    await world.drain(old);
    const { database } = world.d1.sql;
    olderD1(database, names);
    for (const name of D1_MIGRATIONS.slice(names.length)) database.exec(scriptOf(name));
    const harness = await reopen(world, old);
    work(harness);
    await world.drain(harness);
    expect(world.d1.jobs().map((job) => job.status)).toEqual(Array(8).fill("Completed"));
  });
});

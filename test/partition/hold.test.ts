/** One job put on hold and let go (library API 4.6): what it answers, and what a node with an offer hears. */
import { describe, expect, it } from "vitest";
import { startBatch } from "../../edge/partition/batch-commands.ts";
import { createBatch, getBatch, type NewBatch } from "../../edge/partition/batches.ts";
import { createJobs } from "../../edge/partition/create.ts";
import { holdJob, startJob } from "../../edge/partition/hold.ts";
import { STATES } from "../../edge/partition/states.ts";
import { account, id, newJob } from "./fixtures.ts";
import { Harness } from "./harness.ts";

const JOB = id(1);
const OVER = STATES.filter((state) => ["completed", "failed", "warning", "skipped", "cancelled"].includes(state));

const hold = (harness: Harness, account = "ann") => harness.run((turn) => holdJob(turn, account, JOB)).kind;
const start = (harness: Harness, account = "ann") => harness.run((turn) => startJob(turn, account, JOB)).kind;

describe("a job on hold", () => {
  it("is one that waited; what runs goes on, and what is over is unknown", () => {
    const answers = STATES.map((state) => {
      const harness = new Harness();
      harness.reach(state);
      return [state, hold(harness)];
    });
    expect(Object.fromEntries(answers)).toEqual({
      held: "already",
      queued: "done",
      offered: "done",
      delayed: "done",
      running: "runs",
      finishing: "runs",
      // In the history of the library API, or no item at all.
      waiting: "unknown",
      parent: "unknown",
      ...Object.fromEntries(OVER.map((state) => [state, "unknown"])),
    });
  });

  it("is handed to nobody until it is started, and then at once, whatever it waited for", () => {
    const harness = new Harness();
    harness.reach("delayed");
    expect(hold(harness)).toBe("done");
    expect(harness.lease()).toEqual([]);
    expect(start(harness)).toBe("done");
    expect(harness.job(JOB)).toMatchObject({ queued_at: harness.now, not_before: null });
    expect(harness.lease()).toEqual([JOB]);
  });

  it("is no longer the node's that had been offered it", () => {
    const harness = new Harness();
    harness.reach("offered");
    const token = harness.token(JOB);
    const { effects } = harness.core.run(harness.now, Math.random, (turn) => holdJob(turn, "ann", JOB));
    expect(effects.kills).toEqual([{ node: "n1", job: JOB, token }]);
    expect(harness.claim(JOB, token).kind).toBe("stale");
    start(harness);
    harness.lease();
    expect(harness.claim(JOB, token).kind).toBe("stale");
    expect(harness.claim(JOB, harness.token(JOB)).kind).toBe("holder");
  });

  it("tells D1, and is another account's business neither way", () => {
    const harness = new Harness();
    harness.reach("queued");
    expect([hold(harness, "bob"), start(harness, "bob")]).toEqual(["unknown", "unknown"]);
    const events = harness.events(JOB).length;
    hold(harness);
    start(harness);
    expect(
      harness
        .events(JOB)
        .slice(events)
        .map((event) => event.type),
    ).toEqual([".job.changed", ".job.changed"]);
  });
});

describe("one job of a paused batch", () => {
  it("is started alone, and the batch is completed once the others have been too", () => {
    const harness = new Harness();
    const batch: NewBatch = {
      id: id(100),
      account_id: "ann",
      kind: "bulk",
      source_url: null,
      folder: null,
      parent_job_id: null,
      webhook_url: null,
      created_at: harness.now,
      paused: true,
      truncated: false,
      total: 2,
    };
    const jobs = [1, 2].map((number, index) =>
      newJob(id(number), "ann", { batch_id: batch.id, batch_index: index, held: true }),
    );
    harness.run((turn) => createJobs(turn, account("ann"), jobs, () => void createBatch(turn, batch)));
    const status = () => harness.run((turn) => getBatch(turn, batch.id))?.status;
    expect(start(harness)).toBe("done");
    harness.finish(JOB);
    expect([harness.job(id(2)).state, status()]).toEqual(["held", "paused"]);
    harness.run((turn) => startBatch(turn, "ann", batch.id));
    harness.finish(id(2));
    expect(status()).toBe("completed");
  });
});

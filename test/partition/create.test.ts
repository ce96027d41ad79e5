import { describe, expect, it } from "vitest";
import { cancelJob } from "../../edge/partition/cancel.ts";
import { createJobs } from "../../edge/partition/create.ts";
import { retire } from "../../edge/partition/drain.ts";
import { account, id, newJob } from "./fixtures.ts";
import { Harness } from "./harness.ts";

const ANN = account("ann");

describe("a create", () => {
  it("inserts all jobs or none", () => {
    const harness = new Harness({ maxPending: 3 });
    const create = (...numbers: number[]) =>
      harness.run((turn) =>
        createJobs(
          turn,
          ANN,
          numbers.map((n) => newJob(id(n), "ann")),
        ),
      ).kind;
    expect(create(1, 2)).toBe("created");
    expect(create(3, 4)).toBe("full");
    expect(create(3)).toBe("created");
    expect(create(4)).toBe("full");
    expect(harness.sql.get("SELECT pending, ready, usage_count FROM accounts")).toMatchObject({
      pending: 3,
      ready: 3,
      usage_count: 3,
    });
  });

  it("is bounded by the whole partition's ready jobs too", () => {
    const harness = new Harness({ maxReady: 2 });
    harness.create(id(1));
    harness.create(id(2), {}, account("bob"));
    const result = harness.run((turn) => createJobs(turn, account("cyd"), [newJob(id(3), "cyd")]));
    expect(result.kind).toBe("full");
  });

  it("repeated with the same ids inserts nothing and names the same event", () => {
    const harness = new Harness();
    const create = () => harness.run((turn) => createJobs(turn, ANN, [newJob(id(1), "ann")]));
    const first = create();
    harness.now += 1_000;
    expect(create()).toEqual(first);
    expect(harness.events()).toHaveLength(1);
  });

  it("repeated after the job has ended and left does not make it again", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.run((turn) => cancelJob(turn, "ann", id(1), false));
    harness.drain();
    expect(retire(harness.sql, 10)).toBe(1);
    harness.create(id(2));
    const again = harness.run((turn) => createJobs(turn, ANN, [newJob(id(1), "ann")]));
    expect(again.kind).toBe("created");
    expect(harness.sql.all("SELECT id FROM jobs")).toEqual([{ id: id(2) }]);
  });

  it("starts held jobs outside the queue", () => {
    const harness = new Harness();
    harness.create(id(1), { held: true });
    expect(harness.job(id(1))).toMatchObject({ state: "held", status: "Pending" });
    expect(harness.lease()).toEqual([]);
  });
});

describe("a cancel", () => {
  it("is the account's own business", () => {
    const harness = new Harness();
    harness.create(id(1));
    expect(harness.run((turn) => cancelJob(turn, "bob", id(1), true)).kind).toBe("unknown");
    expect(harness.job(id(1)).state).toBe("queued");
  });

  it("of an offered job leaves nothing that could still be confirmed", () => {
    const harness = new Harness();
    harness.create(id(1));
    const token = harness.leased()[0]?.token ?? "";
    expect(harness.run((turn) => cancelJob(turn, "ann", id(1), false)).kind).toBe("cancelled");
    expect(harness.effects.kills).toEqual([{ node: "n1", job: id(1), token }]);
    expect(harness.claim(id(1), token).kind).toBe("stale");
    expect(harness.job(id(1))).toMatchObject({ status: "Failed", error: "Job cancelled by user", error_type: "error" });
  });
});

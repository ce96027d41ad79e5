/** Limits of a key on how much may run or wait (operator's manual). */
import { describe, expect, it } from "vitest";
import { type CreateResult, createJobs } from "../../edge/partition/create.ts";
import type { KeyFacts } from "../../edge/partition/keys.ts";
import { account, id, identity, newJob } from "./fixtures.ts";
import { Harness } from "./harness.ts";

const ANN = account("ann");

function create(harness: Harness, key: KeyFacts, ...numbers: number[]): CreateResult["kind"] {
  const jobs = numbers.map((n) => newJob(id(n), "ann", { key_id: key.id }));
  return harness.run((turn) => createJobs(turn, ANN, jobs, () => {}, key)).kind;
}

describe("a key", () => {
  it("queues no more than its `max_queued`, and another key of the account does", () => {
    const harness = new Harness();
    const small = { id: "small", limits: { max_queued: 2 } };
    expect(create(harness, small, 1, 2)).toBe("created");
    expect(create(harness, small, 3)).toBe("full");
    expect(create(harness, { id: "other", limits: {} }, 4, 5, 6)).toBe("created");
    harness.start(id(1));
    expect(create(harness, small, 3)).toBe("created");
  });

  it("runs no more than its `max_concurrent`; jobs of other keys behind its own go on", () => {
    const harness = new Harness();
    create(harness, { id: "slow", limits: { max_concurrent: 1 } }, 1, 2, 3);
    create(harness, { id: "other", limits: {} }, 4, 5);
    expect(harness.lease(identity("n1"), 5)).toEqual([id(1), id(4), id(5)]);
    expect(harness.lease(identity("n2"), 5)).toEqual([]);
    harness.confirm(id(1));
    harness.fail(id(1), "clip");
    expect(harness.lease(identity("n2"), 5)).toEqual([id(2)]);
  });

  it("of a database from before its counters counts the jobs that it has already", () => {
    const harness = new Harness();
    create(harness, { id: "late", limits: {} }, 1, 2);
    // As version 8 of the schema notes them.
    harness.sql.run("INSERT INTO uncounted_keys (id) VALUES ('late')");
    harness.start(id(1));
    expect(create(harness, { id: "late", limits: { max_queued: 2, max_concurrent: 1 } }, 3, 4)).toBe("full");
    expect(create(harness, { id: "late", limits: { max_queued: 2, max_concurrent: 1 } }, 3)).toBe("created");
    expect(harness.lease(identity("n2"), 5)).toEqual([]);
  });
});

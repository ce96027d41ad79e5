/** A lease goes a bounded way past accounts that have nothing for the node, and the next one goes on from there. */
import { describe, expect, it } from "vitest";
import { account, id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const NODE = identity("n1");

/** So many accounts whose work is for Mars, in the order of their names, and behind them one that anybody may serve. */
function behind(count: number): Harness {
  const harness = new Harness();
  const name = (n: number) => `account-${String(n).padStart(4, "0")}`;
  for (let n = 0; n < count; n++) harness.create(id(n), { tags: ["region=mars"] }, account(name(n)));
  harness.create(id(5_000), {}, account("last"));
  return harness;
}

describe("behind any number of accounts with nothing for a node", () => {
  it.each([
    [0, 1],
    [63, 1],
    [64, 2],
    [200, 4],
  ])(
    "(%d of them) one that it may serve is found in lease %d, and the node is asked to come until then",
    (count, leases) => {
      const harness = behind(count);
      const found: string[][] = [];
      const again: string[][] = [];
      while (found.length < 10 && found.at(-1)?.length !== 1) {
        found.push(harness.lease(NODE));
        again.push(harness.effects.again);
      }
      expect(found).toHaveLength(leases);
      expect(found.at(-1)).toEqual([id(5_000)]);
      expect(again.slice(0, -1)).toEqual(Array.from({ length: leases - 1 }, () => ["n1"]));
      expect(again.at(-1)).toEqual([]);
    },
  );

  it("a walk that has come round ends: nobody is asked again and again for nothing", () => {
    const harness = behind(100);
    for (let found: string[] = []; found.length === 0; ) found = harness.lease(NODE);
    const rounds = [1, 2, 3, 4].map(() => [harness.lease(NODE).length, harness.effects.again.length]);
    expect(rounds).toEqual([
      [0, 1],
      [0, 0],
      [0, 1],
      [0, 0],
    ]);
  });

  it("each node has a walk of its own", () => {
    const harness = behind(64);
    expect([harness.lease(NODE), harness.lease(identity("n2"))]).toEqual([[], []]);
    expect(harness.lease(identity("n2"))).toEqual([id(5_000)]);
    harness.create(id(6_000), {}, account("last"));
    expect(harness.lease(NODE)).toEqual([id(6_000)]);
  });

  it("work that comes in front is found, though the walk had passed there", () => {
    const harness = behind(64);
    harness.lease(NODE);
    harness.create(id(0x7000), {}, account("account-0000"));
    expect(harness.lease(NODE, 2)).toEqual([id(5_000), id(0x7000)]);
  });
});

describe("accounts that nobody may serve cost a lease nothing", () => {
  it("those that run as many as they may, until one of theirs ends", () => {
    const harness = new Harness();
    for (let n = 0; n < 100; n++) harness.create(id(n), {}, account(`full-${n}`, { max_concurrent: 1 }));
    for (let n = 0; n < 100; n++) harness.create(id(1_000 + n), {}, account(`full-${n}`, { max_concurrent: 1 }));
    expect(harness.lease(NODE, 32).length + harness.lease(NODE, 32).length).toBe(64);
    const rest = [...harness.lease(NODE, 32), ...harness.lease(NODE, 32)];
    expect(rest).toHaveLength(36);
    harness.create(id(5_000), {}, account("open"));
    expect([harness.lease(NODE, 2), harness.effects.again]).toEqual([[id(5_000)], []]);
    harness.confirm(id(7), NODE);
    harness.fail(id(7), "removed");
    harness.now += MINUTE;
    expect(harness.lease(NODE, 2)).toEqual([id(1_007)]);
  });

  it("those that want nodes of their own alone", () => {
    const harness = new Harness();
    for (let n = 0; n < 100; n++) harness.create(id(n), {}, account(`own-${n}`, {}, "own"));
    harness.create(id(5_000), {}, account("zoe"));
    expect(harness.lease(NODE, 2)).toEqual([id(5_000)]);
    expect(harness.lease(identity("mine", { account: "own-7" }), 2)).toEqual([id(7)]);
  });
});

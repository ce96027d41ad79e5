/** Faults of nodes themselves: the job goes on elsewhere, and a node that does nothing else gets no more of them. */
import { describe, expect, it } from "vitest";
import { drainNode, resumeNode, takeStanding } from "../../edge/partition/node-faults.ts";
import { orderRemoval, ordersFor } from "../../edge/partition/node-orders.ts";
import { runDue } from "../../edge/partition/reap.ts";
import { enterSession, takesNoWork } from "../../edge/partition/sessions.ts";
import { FAILURE_RULES } from "../../shared/contract/failures.ts";
import { MAX_NODE_FAULTS } from "../../shared/limits.ts";
import { id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const ONE = identity("n1");
const TWO = identity("n2");
const JOB = id(1);

/** Lets every back-off pass, while the nodes are heard of. */
function wait(harness: Harness): void {
  harness.now += 15 * MINUTE;
  harness.sql.run("UPDATE sessions SET lease_until = ?, last_seen = ?", harness.now + MINUTE, harness.now);
  harness.run((turn) => runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now }));
}

function faultOn(harness: Harness, who = ONE): void {
  harness.start(JOB, who);
  harness.fail(JOB, "node_fault");
  wait(harness);
}

const quarantine = (harness: Harness, node = "n1") => ordersFor(harness.sql, node).quarantine;

describe("a job whose node could not run it", () => {
  it("waits for another node first, and no try of its own is counted", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, TWO));
    harness.create(JOB);
    faultOn(harness);
    expect(harness.job(JOB)).toMatchObject({ state: "queued", tries: '{"node_fault":1}' });
    expect(harness.lease(ONE)).toEqual([]);
    expect(harness.lease(TWO)).toEqual([JOB]);
  });

  it("has all its five tries left after any faults of nodes", () => {
    const harness = new Harness();
    harness.create(JOB);
    for (const _ of [1, 2]) faultOn(harness);
    for (const _ of [1, 2, 3, 4]) {
      harness.start(JOB);
      expect(harness.fail(JOB, "network").state).toBe("delayed");
      wait(harness);
    }
    harness.start(JOB);
    expect(harness.fail(JOB, "network")).toMatchObject({ state: "failed", error_class: "network" });
  });

  it("does not go from one broken node to the next for ever", () => {
    const harness = new Harness();
    harness.create(JOB);
    for (let n = 0; n < FAILURE_RULES.node_fault.tries - 1; n++) faultOn(harness, identity(`broken-${n}`));
    harness.start(JOB, identity("broken-last"));
    expect(harness.fail(JOB, "node_fault")).toMatchObject({
      state: "failed",
      error: "The worker node could not run the job",
    });
  });
});

describe("a node", () => {
  it("is in quarantine after three faults in a row, and says which was the last", () => {
    const harness = new Harness();
    harness.create(JOB);
    for (let n = 1; n < MAX_NODE_FAULTS; n++) {
      faultOn(harness);
      expect(quarantine(harness)).toBeNull();
    }
    harness.start(JOB);
    const message = "A tool is missing on the worker node, see /opt/secret/path";
    harness.fail(JOB, "node_fault", { message });
    expect(quarantine(harness)).toMatch(/^3 faults in a row, the last one: A tool is missing on the worker node, see/);
    expect(quarantine(harness), "cleaned: it is a stranger's text").not.toContain("secret");
    expect(takesNoWork(harness.sql, ONE)).toBe(true);
    expect(harness.sql.get("SELECT state FROM sessions WHERE node_id = 'n1'")).toEqual({ state: "quiet" });
    expect(takesNoWork(harness.sql, TWO)).toBe(false);
  });

  it("stays there over its next sessions, until the operator resumes it; then it has three more", () => {
    const harness = new Harness();
    harness.create(JOB);
    for (let n = 0; n < MAX_NODE_FAULTS; n++) faultOn(harness);
    const again = { ...ONE, session: 2 };
    harness.run((turn) => enterSession(turn, again));
    expect(takesNoWork(harness.sql, again)).toBe(true);
    expect(harness.sql.get("SELECT state FROM sessions WHERE node_id = 'n1'")).toEqual({ state: "quiet" });
    harness.run((turn) => resumeNode(turn, "n1"));
    expect(harness.effects.ring).toBe(true);
    expect(takesNoWork(harness.sql, again)).toBe(false);
    for (let n = 1; n < MAX_NODE_FAULTS; n++) faultOn(harness, again);
    expect(quarantine(harness)).toBeNull();
    faultOn(harness, again);
    expect(quarantine(harness)).not.toBeNull();
  });

  it("counts across its sessions: a crash loop is a fault that never ends", () => {
    const harness = new Harness();
    harness.create(JOB);
    for (let n = 1; n <= MAX_NODE_FAULTS; n++) faultOn(harness, { ...ONE, session: n });
    expect(quarantine(harness)).not.toBeNull();
  });

  it("that has delivered begins to count anew, and one that a source refused does not", () => {
    const harness = new Harness();
    harness.create(JOB);
    const faults = () => ordersFor(harness.sql, "n1").faults;
    faultOn(harness);
    harness.create(id(2), { priority: 9 });
    harness.start(id(2));
    harness.fail(id(2), "private");
    expect(faults()).toBe(1);
    harness.create(id(3), { priority: 9 });
    harness.finish(id(3));
    expect(faults()).toBe(0);
  });

  it("writes nothing when it delivers without a fault before", () => {
    const harness = new Harness();
    harness.create(JOB);
    harness.finish(JOB);
    expect(harness.effects.notes).toBe(false);
    expect(harness.sql.all("SELECT * FROM node_orders")).toEqual([]);
    expect(harness.sql.all("SELECT * FROM node_notes")).toEqual([]);
  });

  it("that is drained besides keeps both orders, and one resume ends both", () => {
    const harness = new Harness();
    harness.create(JOB);
    for (let n = 0; n < MAX_NODE_FAULTS; n++) faultOn(harness);
    harness.run((turn) => drainNode(turn, "n1"));
    expect(ordersFor(harness.sql, "n1")).toMatchObject({ drained: true, quarantine: expect.any(String) });
    harness.run((turn) => resumeNode(turn, "n1"));
    expect(ordersFor(harness.sql, "n1")).toEqual({ drained: false, removed: false, quarantine: null, faults: 0 });
  });
});

describe("what D1 says of a node", () => {
  const standing = (changes = {}) => ({
    node: "n1",
    version: 2,
    drained: false,
    quarantine: "why",
    faults: 3,
    ...changes,
  });

  it("counts at once: its session turns quiet, and running again when it is lifted", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, ONE));
    const state = () => harness.sql.get<{ state: string }>("SELECT state FROM sessions")?.state;
    harness.run((turn) => takeStanding(turn, standing()));
    expect([quarantine(harness), takesNoWork(harness.sql, ONE), state()]).toEqual(["why", true, "quiet"]);
    harness.run((turn) => takeStanding(turn, standing({ version: 3, quarantine: null, faults: 0 })));
    expect([quarantine(harness), takesNoWork(harness.sql, ONE), state()]).toEqual([null, false, "running"]);
    expect(harness.effects.ring).toBe(true);
  });

  it("changes nothing if it is older than what is known, and brings no removed node back", () => {
    const harness = new Harness();
    harness.run((turn) => takeStanding(turn, standing({ version: 5, quarantine: null, faults: 0 })));
    harness.run((turn) => takeStanding(turn, standing({ version: 4 })));
    expect(quarantine(harness)).toBeNull();
    harness.run((turn) => orderRemoval(turn.sql, "n1", turn.now));
    harness.run((turn) => takeStanding(turn, standing({ version: 6, quarantine: null })));
    expect(ordersFor(harness.sql, "n1").removed).toBe(true);
  });

  it("about faults in other partitions counts with those of here", () => {
    const harness = new Harness();
    harness.create(JOB);
    harness.run((turn) => takeStanding(turn, standing({ quarantine: null, faults: 2 })));
    faultOn(harness);
    expect(quarantine(harness)).toMatch(/^3 faults in a row/);
  });

  it("leaves a node quiet that says so itself", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, ONE));
    harness.sql.run("UPDATE sessions SET state = 'quiet'");
    harness.run((turn) => takeStanding(turn, standing({ quarantine: null, faults: 1 })));
    expect(harness.sql.get("SELECT state FROM sessions")).toEqual({ state: "quiet" });
  });
});

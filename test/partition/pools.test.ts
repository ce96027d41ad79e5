/** Whose nodes an account's jobs run on: `own`, `own_first`, `shared` (DESIGN section 5). */
import { describe, expect, it } from "vitest";
import { runDue } from "../../edge/partition/reap.ts";
import { enterSession, heartbeat, type NodeIdentity } from "../../edge/partition/sessions.ts";
import { account, id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const SHARED = identity("shared");
const OWN = identity("own", { account: "ann" });
const OFFER_MS = 15_000;

/** The node is online with so much free room. */
function online(harness: Harness, who: NodeIdentity, download: number, state: "running" | "quiet" = "running"): void {
  harness.run((turn) => {
    enterSession(turn, who);
    heartbeat(turn, who, { holding: [], slots: { download, live: 0 }, state, progress: null });
  });
}

function jobs(harness: Harness, count: number, pool: string): void {
  for (let n = 1; n <= count; n++) harness.create(id(n), {}, account("ann", {}, pool));
}

describe("own_first", () => {
  it("leaves to an own node what that has room for, and gives shared ones the rest at once", () => {
    const harness = new Harness();
    jobs(harness, 3, "own_first");
    online(harness, OWN, 2);
    expect(harness.lease(SHARED, 5)).toEqual([]);
    expect(harness.lease(OWN, 2)).toEqual([id(1), id(2)]);
    expect(harness.lease(SHARED, 5), "long before the own node's next heartbeat").toEqual([id(3)]);
  });

  it("waits for an own node that does not come no longer than an offer lasts", () => {
    const harness = new Harness();
    jobs(harness, 1, "own_first");
    online(harness, OWN, 2);
    harness.now += OFFER_MS - 1;
    expect(harness.lease(SHARED)).toEqual([]);
    harness.now += 1;
    expect(harness.lease(SHARED)).toEqual([id(1)]);
  });

  it("waits for no own node that is quiet, gone, or lacks the job's tags", () => {
    for (const hinder of ["quiet", "gone", "tags"]) {
      const harness = new Harness();
      online(harness, OWN, 2, hinder === "quiet" ? "quiet" : "running");
      if (hinder === "gone") harness.sql.run("UPDATE sessions SET state = 'lost'");
      harness.create(id(1), { tags: hinder === "tags" ? ["gpu=1"] : [] }, account("ann"));
      expect(harness.lease({ ...SHARED, tags: ["gpu=1"] }), hinder).toEqual([id(1)]);
    }
  });

  it("keeps no job of another account waiting", () => {
    const harness = new Harness();
    jobs(harness, 1, "own_first");
    online(harness, OWN, 2);
    harness.create(id(9), {}, account("bob"));
    expect(harness.lease(SHARED, 5)).toEqual([id(9)]);
  });

  it("counts what an own node has run since before its heartbeat as room that comes back", () => {
    const harness = new Harness();
    jobs(harness, 3, "own_first");
    harness.lease(OWN, 2);
    for (const n of [1, 2]) harness.confirm(id(n), OWN);
    online(harness, OWN, 0);
    expect(harness.lease(SHARED, 5), "it is full").toEqual([id(3)]);
    harness.create(id(4), {}, account("ann"));
    harness.fail(id(1), "removed");
    expect(harness.lease(SHARED, 5), "a slot came free").toEqual([]);
    expect(harness.lease(OWN, 1)).toEqual([id(4)]);
  });
});

describe("own", () => {
  it("is closed to shared nodes for ever, with or without an own one", () => {
    const harness = new Harness();
    jobs(harness, 1, "own");
    harness.now += 10 * OFFER_MS;
    expect(harness.lease(SHARED, 5)).toEqual([]);
    expect(harness.lease(OWN, 5)).toEqual([id(1)]);
  });

  it.each(["disk", "bot", "rate"] as const)(
    "leaves what its node failed (%s) to no shared one, which may not have it",
    (failure) => {
      const harness = new Harness();
      jobs(harness, 2, "own");
      online(harness, SHARED, 5);
      harness.lease(OWN, 1);
      harness.confirm(id(1), OWN);
      harness.fail(id(1), failure, { retryAfterMs: 15 * MINUTE });
      expect(harness.lease(OWN, 1), "a rest keeps nobody back who is alone").toEqual([id(2)]);
      harness.now += 15 * MINUTE;
      harness.run((turn) => runDue(turn, { lastHandledAt: harness.now, dueAt: harness.now }));
      online(harness, SHARED, 5);
      // After a bot check it must be another node.
      expect(harness.lease(OWN, 5).includes(id(1))).toBe(failure !== "bot");
    },
  );

  it("sends no geo-blocked job into the country of a shared node", () => {
    const harness = new Harness();
    jobs(harness, 1, "own");
    online(harness, { ...SHARED, country: "FR" }, 5);
    const own = { ...OWN, country: "DE" };
    harness.lease(own, 1);
    harness.confirm(id(1), own);
    expect(harness.fail(id(1), "geo").state).toBe("warning");
  });
});

describe("shared", () => {
  it("goes to whoever asks first", () => {
    const harness = new Harness();
    jobs(harness, 2, "shared");
    online(harness, OWN, 2);
    expect(harness.lease(SHARED)).toEqual([id(1)]);
    expect(harness.lease(OWN)).toEqual([id(2)]);
  });
});

describe("an own node", () => {
  it("never gets a job of another account", () => {
    const harness = new Harness();
    harness.create(id(1), {}, account("bob"));
    expect(harness.lease(OWN, 5)).toEqual([]);
  });
});

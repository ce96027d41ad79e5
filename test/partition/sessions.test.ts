import { describe, expect, it } from "vitest";
import { cancelJob } from "../../edge/partition/cancel.ts";
import { enterSession, heartbeat, releaseAttempt } from "../../edge/partition/sessions.ts";
import type { Held } from "../../shared/contract/fleet.ts";
import { id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const ONE = identity("n1");
const SLOTS = { download: 1, live: 0 };

function beat(harness: Harness, holding: Held[], who = ONE): Held[] {
  return harness.run((turn) => {
    if (!enterSession(turn, who)) throw new Error("fenced");
    return heartbeat(turn, who, { holding, slots: SLOTS, state: "running", progress: null });
  });
}

describe("a newer session of the same node", () => {
  it("fences the older one and returns at once what it held", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.create(id(2));
    harness.create(id(3));
    harness.start(id(1), ONE);
    harness.lease(ONE);
    const before = harness.token(id(1));
    expect(harness.run((turn) => enterSession(turn, { ...ONE, session: 2 }))).toBe(true);
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", tries: '{"lost":1}' });
    expect(harness.job(id(2))).toMatchObject({ state: "queued", tries: "{}" });
    expect(harness.run((turn) => enterSession(turn, ONE))).toBe(false);
    expect(harness.claim(id(1), before).kind).toBe("stale");
    expect(() => harness.lease(ONE)).toThrow("fenced");
  });

  it("may be entered again and again", () => {
    const harness = new Harness();
    for (let round = 0; round < 3; round++) expect(harness.run((turn) => enterSession(turn, ONE))).toBe(true);
    expect(harness.sql.all("SELECT * FROM sessions")).toHaveLength(1);
  });
});

describe("a heartbeat", () => {
  it("names everything listed that is not this session's to run", () => {
    const harness = new Harness();
    for (let n = 1; n <= 4; n++) harness.create(id(n));
    for (const job of harness.lease(ONE, 3)) harness.confirm(job);
    harness.run((turn) => cancelJob(turn, "ann", id(2), true));
    const holding = [
      { job: id(1), token: "1.1" },
      { job: id(2), token: "1.1" },
      { job: id(3), token: "0.1" },
      { job: id(4), token: "1.1" },
      { job: id(5), token: "1.1" },
    ];
    expect(beat(harness, holding)).toEqual(holding.slice(1));
    expect(harness.job(id(1)).state).toBe("running");
  });

  it.each(["finishing", "completed", "failed"] as const)("does not kill the attempt that made its job %s", (state) => {
    const harness = new Harness();
    harness.reach(state);
    // The answer to its report is on the way, or was lost and is asked for again.
    expect(beat(harness, [{ job: id(1), token: "1.1" }])).toEqual([]);
    expect(beat(harness, [{ job: id(1), token: "1.2" }])).toHaveLength(1);
  });

  it("kills neither an offer that is listed nor one that is not", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.lease(ONE);
    expect(beat(harness, [{ job: id(1), token: "1.1" }])).toEqual([]);
    for (let round = 0; round < 3; round++) expect(beat(harness, [])).toEqual([]);
    expect(harness.job(id(1)).state).toBe("offered");
  });

  it("may lack a running attempt once; two in a row return it, class lost", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1), ONE);
    const held = [{ job: id(1), token: "1.1" }];
    for (const holding of [[], held, [], held]) {
      beat(harness, holding);
      expect(harness.job(id(1)).state).toBe("running");
    }
    beat(harness, []);
    beat(harness, []);
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", tries: '{"lost":1}' });
  });

  it("keeps the last progress, and an empty one keeps the one before", () => {
    const harness = new Harness();
    const write = (progress: string | null) =>
      harness.run((turn) => {
        enterSession(turn, ONE);
        heartbeat(turn, ONE, { holding: [], slots: SLOTS, state: "quiet", progress });
      });
    write('[{"x":1}]');
    write(null);
    expect(harness.sql.get("SELECT progress, state FROM sessions")).toMatchObject({
      progress: '[{"x":1}]',
      state: "quiet",
    });
  });
});

describe("a release", () => {
  it("puts the job back without a try, ends its uploads, and makes its token stale", () => {
    const harness = new Harness();
    harness.reach("finishing");
    harness.sql.run("UPDATE jobs SET state = 'running'");
    harness.now += MINUTE;
    harness.run((turn) => releaseAttempt(turn, harness.job(id(1))));
    expect(harness.job(id(1))).toMatchObject({
      state: "queued",
      tries: "{}",
      node_id: null,
      attempts: 1,
      queued_at: harness.now,
    });
    expect(harness.sql.all("SELECT 1 FROM uploads WHERE doomed_at IS NULL")).toEqual([]);
    expect(harness.effects.abort).toBe(true);
    expect(harness.claim(id(1), "1.1").kind).toBe("stale");
    expect(harness.leased(ONE)[0]?.token).toBe("1.2");
  });
});

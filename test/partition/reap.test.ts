import { describe, expect, it } from "vitest";
import { nextDeadline } from "../../edge/partition/absence.ts";
import { commitFailed } from "../../edge/partition/finish.ts";
import { type EdgePresence, Presence } from "../../edge/partition/presence.ts";
import { nextDue, type ReapCount, runDue } from "../../edge/partition/reap.ts";
import { enterSession, heartbeat, type NodeIdentity } from "../../edge/partition/sessions.ts";
import { doomedUploads, forgetUpload } from "../../edge/partition/uploads.ts";
import { FINISHING_LIMIT_MS, LEASE_TTL_MS, OUTCOME_MEMORY_MS } from "../../shared/limits.ts";
import { id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const ONE = identity("n1");
const TWO = identity("n2");
const TTL = LEASE_TTL_MS;
const SLOTS = { download: 1, live: 0 };

function beat(harness: Harness, who: NodeIdentity, jobs: string[] = []): void {
  const holding = jobs.map((job) => ({ job, token: harness.token(job) }));
  harness.run((turn) => {
    enterSession(turn, who);
    heartbeat(turn, who, { holding, slots: SLOTS, state: "running", progress: null });
  });
}

/** An alarm that runs now; by default on time, with nothing handled lately. */
function alarm(harness: Harness, wish: Partial<EdgePresence> = {}): ReapCount {
  const presence = { dueAt: harness.now, lastHandledAt: harness.now - 2 * TTL, ...wish };
  return harness.run((turn) => runDue(turn, presence));
}

function due(harness: Harness): number | null {
  return harness.run(nextDue);
}

/** Of the one attempt that runs. */
function leftOf(harness: Harness): number {
  return (harness.run(nextDeadline) ?? 0) - harness.now;
}

describe("a lease", () => {
  it("that ran out returns what its session held, class lost", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1), ONE);
    harness.now += TTL;
    expect(alarm(harness)).toMatchObject({ sessionsEnded: 1, attemptsReturned: 1, spared: false });
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", tries: '{"lost":1}', node_id: null });
    expect(harness.effects.kills).toEqual([{ node: "n1", job: id(1), token: "1.1" }]);
  });

  it("is renewed by one heartbeat for all that the session holds", () => {
    const harness = new Harness();
    for (let n = 1; n <= 3; n++) harness.create(id(n));
    for (const job of harness.lease(ONE, 3)) harness.confirm(job);
    for (let minute = 0; minute < 5; minute++) {
      harness.now += TTL - 1;
      beat(harness, ONE, [id(1), id(2), id(3)]);
      expect(alarm(harness)).toMatchObject({ sessionsEnded: 0 });
    }
  });

  it("is lost for good at the third loss", () => {
    const harness = new Harness();
    harness.create(id(1));
    for (let session = 1; session <= 3; session++) {
      harness.start(id(1), { ...ONE, session });
      harness.now += TTL;
      alarm(harness);
      harness.now += MINUTE;
      alarm(harness);
    }
    expect(harness.job(id(1))).toMatchObject({ state: "failed", error_class: "lost", tries: '{"lost":3}' });
  });

  it("watches over a session that is heard again after it was given up", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, ONE));
    harness.now += TTL;
    alarm(harness);
    expect(due(harness)).toBeNull();
    harness.create(id(1));
    harness.start(id(1), ONE);
    expect(due(harness)).toBe(harness.now + TTL);
    harness.now += TTL;
    expect(alarm(harness)).toMatchObject({ sessionsEnded: 1, attemptsReturned: 1 });
  });
});

describe("after the edge itself was away", () => {
  it("a run later than TTL / 6 reaps nothing, neither leases nor deadlines, and gives a fresh TTL", () => {
    const harness = new Harness({ deadlineMs: TTL });
    harness.create(id(1));
    harness.start(id(1), ONE);
    harness.now += 60 * MINUTE;
    const count = alarm(harness, { dueAt: harness.now - TTL / 6 - 1 });
    expect(count).toMatchObject({ sessionsEnded: 0, attemptsReturned: 0, timedOut: 0, spared: true });
    expect(harness.job(id(1)).state).toBe("running");
    expect(due(harness)).toBe(harness.now + TTL);
    harness.now += TTL;
    expect(alarm(harness)).toMatchObject({ sessionsEnded: 1 });
  });

  it.each(["alarm", "heartbeat", "request", "restart"])(
    "an hour asleep is no part of what an attempt may take, whoever wakes first (%s)",
    (first) => {
      const harness = new Harness({ deadlineMs: 120 * MINUTE });
      harness.create(id(1));
      harness.start(id(1), ONE);
      for (let beats = 0; beats < 330; beats++) {
        harness.now += 20_000;
        beat(harness, ONE, [id(1)]);
      }
      const left = leftOf(harness);
      const asleepAt = harness.now;
      let presence = new Presence(asleepAt, TTL);
      harness.now += 60 * MINUTE;
      if (first === "restart") presence = new Presence(harness.now, TTL);
      if (first === "heartbeat") beat(harness, ONE, [id(1)]);
      if (first !== "alarm") presence.handled(harness.now);
      alarm(harness, presence.at(asleepAt + MINUTE));
      const once = leftOf(harness);
      alarm(harness, presence.at(asleepAt + MINUTE));
      expect(leftOf(harness), "a second run that is late has nothing to add").toBe(once);
      expect(harness.job(id(1))).toMatchObject({ state: "running", tries: "{}" });
      expect(leftOf(harness)).toBe(left);
      // What is left of it ends as ever.
      harness.sql.run(
        "UPDATE sessions SET lease_until = ?, last_seen = ?",
        harness.now + left + MINUTE,
        harness.now + left,
      );
      harness.now += left;
      expect(alarm(harness)).toMatchObject({ timedOut: 1 });
    },
  );

  it("an hour asleep stays no part of it when the attempt says then what it has found", () => {
    const harness = new Harness({ deadlineMs: 30 * MINUTE });
    harness.create(id(1));
    harness.start(id(1), ONE);
    const asleepAt = harness.now;
    harness.now += 60 * MINUTE;
    alarm(harness, { lastHandledAt: asleepAt, dueAt: asleepAt + MINUTE });
    const left = leftOf(harness);
    harness.extracted(id(1));
    expect(leftOf(harness)).toBe(left);
  });

  it("a deadline that has passed even so is put off by a TTL, the others by the absence alone", () => {
    const harness = new Harness({ deadlineMs: 10 * MINUTE });
    const beats = (minutes: number) => {
      for (let times = 0; times < 3 * minutes; times++) {
        harness.now += 20_000;
        const running = harness.sql.all<{ id: string }>("SELECT id FROM jobs WHERE state = 'running'");
        beat(
          harness,
          ONE,
          running.map((job) => job.id),
        );
      }
    };
    harness.create(id(1));
    harness.start(id(1), ONE);
    beats(9);
    harness.create(id(2));
    harness.start(id(2), ONE);
    // Nobody was heard, but clients were served to the end: nothing is added to what an attempt may take.
    harness.now += 2 * MINUTE;
    const late = { dueAt: harness.now - MINUTE, lastHandledAt: harness.now };
    expect(alarm(harness, late)).toMatchObject({ spared: true, timedOut: 0 });
    expect(leftOf(harness)).toBe(TTL);
    beats(1);
    expect(alarm(harness)).toMatchObject({ timedOut: 1 });
    expect([harness.job(id(1)).state, harness.job(id(2)).state]).toEqual(["delayed", "running"]);
    expect(leftOf(harness)).toBe(7 * MINUTE);
    beats(7);
    expect(alarm(harness)).toMatchObject({ timedOut: 1 });
  });

  it("a second absence spares those that were heard since the first, and nobody twice", () => {
    const harness = new Harness();
    const [dead, first, second] = [identity("dead"), ONE, TWO];
    for (const who of [dead, first, second]) beat(harness, who);
    harness.now += TTL / 2;
    beat(harness, second);
    // The dead one and the first have a fresh TTL. The first is heard in it, and then nobody for long.
    harness.now += 1_000;
    beat(harness, first);
    harness.now += TTL - 2_000;
    beat(harness, second);
    harness.now += 1_000;
    const states = () =>
      harness.sql.all<{ line: string }>("SELECT node_id || ' ' || state AS line FROM sessions").map(({ line }) => line);
    expect(due(harness)).toBe(harness.now);
    expect(alarm(harness)).toMatchObject({ sessionsEnded: 1, spared: false });
    expect(states()).toEqual(["dead lost", "n1 running", "n2 running"]);
    expect(due(harness)).toBe(harness.now + TTL - 1_000);
  });

  it("a run that is late by TTL / 6 at most reaps", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, ONE));
    harness.now += TTL + TTL / 6;
    expect(alarm(harness, { dueAt: harness.now - TTL / 6 })).toMatchObject({ sessionsEnded: 1, spared: false });
  });

  it("a silence of TTL / 2 before the latest event spares all, once", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1), ONE);
    harness.now += TTL;
    expect(alarm(harness, { lastHandledAt: harness.now })).toMatchObject({ sessionsEnded: 0, spared: true });
    harness.now += TTL;
    // The node has died indeed: clients go on asking, but the same silence is forgiven no second time.
    expect(alarm(harness, { lastHandledAt: harness.now })).toMatchObject({ sessionsEnded: 1, spared: false });
  });

  it("a silence is none when a heartbeat came within TTL / 2 of the latest event", () => {
    const harness = new Harness();
    beat(harness, ONE);
    harness.now += TTL / 2 - 1;
    beat(harness, TWO);
    harness.now += TTL / 2 + 1;
    expect(alarm(harness, { lastHandledAt: harness.now - 2 })).toMatchObject({ sessionsEnded: 1 });
  });

  it.each(["heartbeat", "newer session", "return of a lost session"])(
    "the first node that is heard again (%s) does not cost the others their leases",
    (sign) => {
      const harness = new Harness();
      harness.create(id(1));
      harness.start(id(1), ONE);
      harness.run((turn) => enterSession(turn, TWO));
      if (sign === "return of a lost session")
        harness.sql.run("UPDATE sessions SET state = 'lost' WHERE node_id = 'n2'");
      // The host was down for ten minutes; its alarm is armed anew by the first call, so the run is on time.
      harness.now += 10 * MINUTE;
      const back = sign === "newer session" ? { ...TWO, session: 2 } : TWO;
      beat(harness, back);
      harness.now += 1;
      expect(alarm(harness, { lastHandledAt: harness.now - 1 })).toMatchObject({ sessionsEnded: 0 });
      expect(harness.job(id(1)).state).toBe("running");
      harness.now += TTL;
      expect(alarm(harness).sessionsEnded).toBe(2);
      expect(harness.job(id(1)).state).toBe("delayed");
    },
  );

  it("a slow fleet does not keep the lease of a dead node alive", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1), ONE);
    let reaped = 0;
    for (let round = 1; round <= 5 && reaped === 0; round++) {
      harness.now += TTL / 2 + 5_000;
      beat(harness, TWO);
      reaped = alarm(harness, { lastHandledAt: harness.now }).attemptsReturned;
    }
    expect(reaped).toBe(1);
    expect(harness.now).toBeLessThanOrEqual(harness.job(id(1)).created_at + 3 * TTL);
  });
});

describe("the alarm", () => {
  it("is due for nothing when nothing waits", () => {
    const harness = new Harness();
    expect(due(harness)).toBeNull();
    harness.create(id(1));
    expect(due(harness)).toBeNull();
  });

  it.each(["offered", "delayed", "waiting", "running", "finishing"] as const)(
    "is due for a job that is %s",
    (state) => {
      const harness = new Harness();
      harness.reach(state);
      harness.sql.run("DELETE FROM sessions");
      const at = due(harness);
      expect(at).not.toBeNull();
      harness.now = at ?? 0;
      alarm(harness);
      expect(due(harness) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(harness.now);
    },
  );

  it("asks for a commit again and again, but not in a loop", () => {
    const harness = new Harness();
    harness.reach("finishing");
    alarm(harness);
    expect(harness.effects.commit).toEqual([id(1)]);
    const again = due(harness) ?? 0;
    expect(again).toBeGreaterThan(harness.now + 1_000);
    harness.now = again;
    alarm(harness);
    expect(harness.effects.commit).toEqual([id(1)]);
  });

  it("is due for uploads that must be aborted, until the store has answered", () => {
    const harness = new Harness();
    harness.reach("finishing");
    harness.run((turn) => commitFailed(turn, id(1), { kind: "refused", code: "x", permanent: true }));
    harness.sql.run("DELETE FROM sessions");
    expect(due(harness)).toBe(harness.now);
    const [doomed] = harness.run((turn) => doomedUploads(turn, 10));
    harness.run((turn) => forgetUpload(turn, doomed?.uploadId ?? ""));
    expect(due(harness)).toBeNull();
  });

  it("run twice changes nothing the second time", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.create(id(2));
    harness.start(id(1), ONE);
    harness.lease(TWO);
    harness.now += 2 * TTL;
    alarm(harness);
    const before = harness.sql.all("SELECT * FROM jobs");
    expect(alarm(harness)).toEqual({
      promoted: 0,
      offersEnded: 0,
      timedOut: 0,
      sessionsEnded: 0,
      attemptsReturned: 0,
      gaveUp: 0,
      spared: false,
    });
    expect(harness.sql.all("SELECT * FROM jobs")).toEqual(before);
  });

  it("forgets outcomes after 24 h", () => {
    const harness = new Harness();
    harness.reach("failed");
    harness.now += OUTCOME_MEMORY_MS;
    alarm(harness);
    expect(harness.sql.all("SELECT * FROM outcomes")).toHaveLength(1);
    harness.now += 1;
    alarm(harness);
    expect(harness.sql.all("SELECT * FROM outcomes")).toEqual([]);
  });
});

describe("a commit that nobody answers", () => {
  it("is tried for ten minutes with growing pauses, then the attempt fails with class storage", () => {
    const harness = new Harness();
    harness.reach("finishing");
    const began = harness.now;
    const pauses: number[] = [];
    for (;;) {
      const job = harness.run((turn) => commitFailed(turn, id(1), { kind: "unavailable", code: "timeout" }));
      if (job?.state !== "finishing") break;
      pauses.push((job.commit_due ?? 0) - harness.now);
      harness.now = job.commit_due ?? 0;
    }
    expect(pauses.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(harness.now - began).toBeGreaterThanOrEqual(FINISHING_LIMIT_MS);
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", tries: '{"storage":1}', winner: "1.1" });
  });

  it("is not given up by an edge that slept through the ten minutes", () => {
    const harness = new Harness();
    harness.reach("finishing");
    harness.now += 60 * MINUTE;
    harness.run((turn) => commitFailed(turn, id(1), { kind: "unavailable", code: "timeout" }));
    expect(harness.job(id(1)).state).toBe("finishing");
  });
});

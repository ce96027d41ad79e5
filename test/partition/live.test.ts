/** Live recordings in the core: the slot they take, how long they may run, what their progress says. */
import { describe, expect, it } from "vitest";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { extracted, setStep } from "../../edge/partition/report.ts";
import { enterSession, releaseAttempt } from "../../edge/partition/sessions.ts";
import type { Slots } from "../../shared/contract/fleet.ts";
import { ATTEMPT_DEADLINE_MS, LIVE_CAP_SECONDS, LIVE_DEADLINE_EXTRA_MS } from "../../shared/limits.ts";
import { account, id, identity, info } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const ONE = identity("n1");
const LIVE = { options: { live_recording: true } };
const HOUR = 60 * MINUTE;
let requests = 0;

function lease(harness: Harness, slots: Slots) {
  return harness.run((turn) => {
    enterSession(turn, ONE);
    return leaseJobs(turn, ONE, `live-${++requests}`, slots, Number.MAX_SAFE_INTEGER);
  });
}

/** Ids and slots, in the order of the answer. */
const taken = (harness: Harness, download: number, live: number) =>
  lease(harness, { download, live }).map(({ job, slot }) => [job, slot]);

/** Leased, confirmed, and looked at. */
function look(harness: Harness, isLive: boolean, facts = {}) {
  return harness.run((turn) => extracted(turn, harness.job(id(1)), info({ is_live: isLive, ...facts })));
}

describe("a lease", () => {
  it("gives live jobs to live slots and the others to download slots", () => {
    const harness = new Harness();
    for (const n of [1, 2, 3, 4]) {
      harness.create(id(n), n % 2 === 0 ? LIVE : {});
      harness.now += 1;
    }
    expect(taken(harness, 0, 1)).toEqual([[id(2), "live"]]);
    expect(taken(harness, 1, 0)).toEqual([[id(1), "download"]]);
    expect(taken(harness, 4, 4)).toEqual([
      [id(3), "download"],
      [id(4), "live"],
    ]);
  });

  it("takes them in one order, by priority and age, until a class is full", () => {
    const harness = new Harness();
    harness.create(id(1), LIVE);
    harness.create(id(2), { ...LIVE, priority: 5 });
    harness.create(id(3));
    harness.create(id(4), { priority: 3 });
    expect(taken(harness, 1, 1)).toEqual([
      [id(2), "live"],
      [id(4), "download"],
    ]);
  });

  it("finds a download behind more live jobs than it looks at", () => {
    const harness = new Harness();
    for (let n = 1; n <= 100; n++) harness.create(id(n), { ...LIVE, priority: 1 });
    harness.create(id(101));
    expect(taken(harness, 2, 0)).toEqual([[id(101), "download"]]);
  });

  it("finds a live job behind more downloads than it looks at", () => {
    const harness = new Harness();
    for (let n = 1; n <= 100; n++) harness.create(id(n), { priority: 1 });
    harness.create(id(101), LIVE);
    expect(taken(harness, 0, 2)).toEqual([[id(101), "live"]]);
  });
});

describe("a job that turns out to be live", () => {
  it("is live from then on: released, it waits for a live slot", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1), ONE);
    expect(harness.job(id(1)).live).toBe(0);
    look(harness, true);
    expect(harness.job(id(1)).live).toBe(1);
    harness.run((turn) => releaseAttempt(turn, harness.job(id(1))));
    expect(harness.job(id(1))).toMatchObject({ state: "queued", tries: "{}" });
    expect(taken(harness, 4, 0)).toEqual([]);
    expect(taken(harness, 0, 1)).toEqual([[id(1), "live"]]);
  });

  it("has until its cap and half an hour more, counted from the confirm", () => {
    const harness = new Harness();
    harness.create(id(1), { options: { max_duration: 3_600 } });
    const [leased] = lease(harness, { download: 1, live: 1 });
    expect(leased?.deadline_ms).toBe(ATTEMPT_DEADLINE_MS);
    const confirmed = harness.now;
    harness.confirm(id(1), ONE);
    harness.now += MINUTE;
    expect(look(harness, true)).toMatchObject({ kind: "go", deadlineMs: HOUR + LIVE_DEADLINE_EXTRA_MS });
    expect(harness.job(id(1)).deadline_at).toBe(confirmed + HOUR + LIVE_DEADLINE_EXTRA_MS);
  });

  it.each([
    ["six hours where nothing is said", {}, {}, LIVE_CAP_SECONDS * 1000 + LIVE_DEADLINE_EXTRA_MS],
    ["the account's limit where that is less", {}, { max_duration_seconds: 60 }, MINUTE + LIVE_DEADLINE_EXTRA_MS],
    ["the account's own deadline, whatever it is", {}, { attempt_deadline_seconds: 600 }, 10 * MINUTE],
  ])("has %s", (_, options, limits, expected) => {
    const harness = new Harness();
    harness.create(id(1), { options }, account("ann", limits));
    harness.start(id(1), ONE);
    expect(look(harness, true)).toMatchObject({ deadlineMs: expected });
  });

  it("is not stopped for the length that the stream has so far", () => {
    const harness = new Harness();
    harness.create(id(1), {}, account("ann", { max_duration_seconds: 60 }));
    harness.start(id(1), ONE);
    expect(look(harness, true, { duration_seconds: 9_000 }).kind).toBe("go");
  });

  it("has no progress while nobody knows its end, and counts from zero where the client has said it", () => {
    for (const [max_duration, progress] of [
      [null, null],
      [60, 0],
    ] as const) {
      const harness = new Harness();
      harness.create(id(1), { options: { max_duration } });
      harness.start(id(1), ONE);
      look(harness, true);
      expect(harness.run((turn) => setStep(turn, harness.job(id(1)), "download")).progress).toBe(progress);
      expect(harness.run((turn) => setStep(turn, harness.job(id(1)), "mux")).progress).toBe(33);
    }
  });
});

it("a job asked for as live that is not has an ordinary deadline from the look on", () => {
  const harness = new Harness();
  harness.create(id(1), LIVE);
  const [leased] = lease(harness, { download: 0, live: 1 });
  expect(leased?.deadline_ms).toBe(LIVE_CAP_SECONDS * 1000 + LIVE_DEADLINE_EXTRA_MS);
  harness.confirm(id(1), ONE);
  look(harness, false);
  expect(harness.job(id(1)).deadline_at).toBe(harness.now + ATTEMPT_DEADLINE_MS);
});

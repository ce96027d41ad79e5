/** `wait_for_video` (jobs API 11.5): a job whose stream has not begun waits for it without a slot and without a try. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cancelJob } from "../../edge/partition/cancel.ts";
import { nextDue, runDue } from "../../edge/partition/reap.ts";
import { fail } from "../../edge/partition/report.ts";
import { nextLook, type WaitRule } from "../../edge/partition/wait.ts";
import { WAIT_FOR_VIDEO_MS, WAIT_PATIENT_AFTER_MS, WAIT_RECHECK_MAX_MS, WAIT_RECHECK_MS } from "../../shared/limits.ts";
import { id } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const HOUR = 60 * MINUTE;
const RULE: WaitRule = {
  waitRecheckMs: WAIT_RECHECK_MS,
  waitRecheckMaxMs: WAIT_RECHECK_MAX_MS,
  waitPatientAfterMs: WAIT_PATIENT_AFTER_MS,
};

describe("the next look at a stream that has not begun", () => {
  const NOW = 1_750_000_000_000;
  const until = NOW + WAIT_FOR_VIDEO_MS;
  it.each([
    ["nothing announced: each minute at first", null, until, MINUTE],
    ["nothing announced: each ten once an hour has gone", null, until - HOUR, 10 * MINUTE],
    ["announced in three minutes: then", NOW + 3 * MINUTE, until, 3 * MINUTE],
    ["announced in five hours: in ten minutes, since it may be moved", NOW + 5 * HOUR, until, 10 * MINUTE],
    ["announced in half a minute, which nobody keeps to the second: in a minute", NOW + 30_000, until, MINUTE],
    ["ten minutes late: each minute", NOW - 10 * MINUTE, until - 5 * HOUR, MINUTE],
    ["two hours late: each ten", NOW - 2 * HOUR, until - 5 * HOUR, 10 * MINUTE],
    ["at the end: no later than the end", null, NOW + 5_000, 5_000],
  ])("%s", (_, startsAt, end, expected) => {
    expect(nextLook(startsAt, end, NOW, RULE) - NOW).toBe(expected);
  });

  it("always comes, never later than the end of waiting, and fewer than 300 times a day", () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: -HOUR, max: 30 * HOUR })), (startsIn) => {
        const startsAt = startsIn === null ? null : NOW + startsIn;
        let [at, looks] = [NOW, 0];
        for (; at < until; looks++) {
          const next = nextLook(startsAt, until, at, RULE);
          expect(next).toBeGreaterThan(at);
          expect(next).toBeLessThanOrEqual(until);
          at = next;
        }
        expect(looks).toBeLessThan(300);
      }),
    );
  });
});

function waiting(startsInMs: number | null = null): Harness {
  const harness = new Harness();
  harness.create(id(1), { options: { wait_for_video: true } });
  return lookAgain(harness, startsInMs);
}

function lookAgain(harness: Harness, startsInMs: number | null = null): Harness {
  harness.start(id(1));
  const report = { class: "not_begun" as const, message: null, permanent: false, retryAfterMs: null, startsInMs };
  harness.run((turn) => fail(turn, harness.job(id(1)), report));
  return harness;
}

/** Alarms, each exactly when something is due (a lease, for one), until the job waits no more. */
function ring(harness: Harness): void {
  while (harness.job(id(1)).state === "waiting") {
    harness.now = harness.run(nextDue) ?? Number.NaN;
    harness.run((turn) => runDue(turn, { dueAt: harness.now, lastHandledAt: harness.now }));
  }
}

describe("a job that waits for its stream", () => {
  it("is pending, holds no slot, and counts no try; each look is a confirmed hand-out", () => {
    const harness = waiting();
    const job = harness.job(id(1));
    expect(job).toMatchObject({ state: "waiting", status: "Pending", step: null, node_id: null, tries: "{}" });
    expect(job).toMatchObject({ attempts: 1, wait_until: harness.now + WAIT_FOR_VIDEO_MS });
    expect(harness.sql.get("SELECT active, ready, pending FROM accounts")).toEqual({ active: 0, ready: 0, pending: 1 });
    expect(harness.lease()).toEqual([]);
    for (let look = 2; look <= 12; look++) {
      ring(harness);
      lookAgain(harness);
      expect(harness.job(id(1))).toMatchObject({ state: "waiting", attempts: look, tries: "{}" });
    }
  });

  it("is looked at again at the announced start, which later looks may move", () => {
    const harness = waiting(4 * MINUTE);
    expect(harness.job(id(1)).not_before).toBe(harness.now + 4 * MINUTE);
    ring(harness);
    lookAgain(harness, 2 * MINUTE);
    expect(harness.job(id(1))).toMatchObject({
      not_before: harness.now + 2 * MINUTE,
      starts_at: harness.now + 2 * MINUTE,
    });
    ring(harness);
    // The site says nothing more: the start that it had said still counts.
    lookAgain(harness);
    expect(harness.job(id(1)).not_before).toBe(harness.now + MINUTE);
  });

  it("ends as a warning 24 h after the first look, and not before", () => {
    const harness = waiting();
    const began = harness.now;
    while (harness.job(id(1)).state === "waiting") {
      ring(harness);
      if (harness.job(id(1)).state === "queued") lookAgain(harness);
    }
    expect(harness.now - began).toBe(WAIT_FOR_VIDEO_MS);
    expect(harness.job(id(1))).toMatchObject({
      state: "warning",
      error: "The stream has not started",
      error_type: "warning",
      error_class: "not_begun",
    });
  });

  it("that is being looked at when the time is over ends with that look", () => {
    const harness = waiting();
    ring(harness);
    harness.now += WAIT_FOR_VIDEO_MS;
    lookAgain(harness);
    expect(harness.job(id(1))).toMatchObject({ state: "warning", error: "The stream has not started" });
  });

  it("is cancelled by a plain cancel, and is not looked at again", () => {
    const harness = waiting();
    expect(harness.run((turn) => cancelJob(turn, "ann", id(1), false)).kind).toBe("cancelled");
    expect(harness.job(id(1))).toMatchObject({ state: "cancelled", error: "Job cancelled by user" });
    harness.drain();
    expect(harness.run(nextDue)).toBe(harness.now + harness.core.config.leaseTtlMs);
  });

  it("runs like any other once its stream has begun, and a failure then counts", () => {
    const harness = waiting();
    ring(harness);
    harness.start(id(1));
    harness.fail(id(1), "network");
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", tries: '{"network":1}', attempts: 2 });
  });
});

it("a job that does not wait ends as a warning at the first look", () => {
  const harness = new Harness();
  harness.create(id(1));
  harness.start(id(1));
  harness.fail(id(1), "not_begun");
  expect(harness.job(id(1))).toMatchObject({ state: "warning", error: "The stream has not started", attempts: 1 });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advanceCursor,
  collectFlight,
  flightLanded,
  nextEvents,
  readCursor,
  retire,
  SINKS,
} from "../../edge/partition/drain.ts";
import { EventIds } from "../../edge/partition/event-ids.ts";
import { recordEvent } from "../../edge/partition/events.ts";
import { claim } from "../../edge/partition/report.ts";
import { DRAIN_MAX_BYTES, DRAIN_MAX_EVENTS, EVENTS_KEPT_PER_ACCOUNT } from "../../shared/limits.ts";
import { account, id, identity, START } from "./fixtures.ts";
import { Harness } from "./harness.ts";

describe("event ids", () => {
  it("rise, whatever the clock does", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 })), (steps) => {
        const ids = new EventIds(0);
        let now = START;
        let last = 0;
        for (const step of steps) {
          now += step;
          const next = ids.next(now);
          expect(next).toBeGreaterThan(last);
          expect(ids.newest(now)).toBeGreaterThanOrEqual(next);
          last = next;
        }
      }),
    );
  });

  it("begin at the microsecond of the clock, so that a rebuilt partition continues above the old one", () => {
    expect(new EventIds(0).next(START)).toBe(START * 1_000);
    expect(Number.isSafeInteger(START * 1_000)).toBe(true);
  });

  it("go on above the stored ones after a reload, also when the clock was set back meanwhile", () => {
    const harness = new Harness();
    harness.create(id(1));
    const before = harness.events().at(-1)?.id ?? 0;
    harness.now -= 3_600_000;
    harness.reload();
    harness.create(id(2));
    expect(harness.events().at(-1)?.id).toBe(before + 1);
  });
});

describe("a flight", () => {
  it("takes at most 500 events, oldest first, and goes on where the cursor stands", () => {
    const harness = new Harness();
    const job = harness.create(id(1));
    harness.run((turn) => {
      for (let n = 0; n < DRAIN_MAX_EVENTS + 10; n++) recordEvent(turn, job, ".job.changed", null);
    });
    const first = nextEvents(harness.sql, "d1");
    expect(first).toHaveLength(DRAIN_MAX_EVENTS);
    advanceCursor(harness.sql, "d1", first.at(-1)?.id ?? 0);
    const second = nextEvents(harness.sql, "d1");
    expect(second).toHaveLength(11);
    expect([...first, ...second].map((event) => event.id)).toEqual(harness.events().map((event) => event.id));
    expect(nextEvents(harness.sql, "stream")).toHaveLength(DRAIN_MAX_EVENTS);
  });

  it("takes at most about 1 MB of rows, but always one", () => {
    const harness = new Harness();
    const large = "x".repeat(DRAIN_MAX_BYTES * 0.4);
    for (let n = 1; n <= 5; n++) harness.create(id(n), { metadata: JSON.stringify(large) });
    expect(nextEvents(harness.sql, "d1")).toHaveLength(2);
    harness.create(id(6), { metadata: JSON.stringify("x".repeat(2 * DRAIN_MAX_BYTES)) });
    advanceCursor(harness.sql, "d1", harness.events().at(-2)?.id ?? 0);
    expect(nextEvents(harness.sql, "d1")).toHaveLength(1);
  });

  it("brings each job once, as it stands now, with the account's absolute counters", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.finish(id(1));
    const flight = collectFlight(harness.sql, nextEvents(harness.sql, "d1"));
    expect(flight.jobs.map((job) => [job.id, job.state])).toEqual([[id(1), "completed"]]);
    expect(flight.files).toHaveLength(1);
    expect(flight.attempts).toMatchObject([
      { attempt: 1, ended: null },
      { attempt: 1, outcome: "completed" },
    ]);
    expect(flight.usage).toMatchObject([{ jobs_completed: 1, jobs_pending: 0, usage_count: 1, bytes_used: 100 }]);
  });
});

describe("counters", () => {
  it("travel only with a flight that leaves no event behind, and then for all accounts since the last one", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.create(id(2), {}, account("bob"));
    const events = nextEvents(harness.sql, "d1");
    expect(collectFlight(harness.sql, events.slice(0, 1)).usage).toEqual([]);
    advanceCursor(harness.sql, "d1", events[0]?.id ?? 0);
    const flight = collectFlight(harness.sql, nextEvents(harness.sql, "d1"));
    expect(flight.usage.map((row) => row.account_id).toSorted()).toEqual(["ann", "bob"]);
    flightLanded(harness.sql, flight);
    harness.now += 1_000;
    harness.create(id(3));
    const next = collectFlight(harness.sql, nextEvents(harness.sql, "d1"));
    expect(next.usage.map((row) => row.account_id)).toEqual(["ann"]);
  });
});

describe("the courier", () => {
  it("hears of nothing that D1 does not have", () => {
    const harness = new Harness();
    harness.create(id(1));
    expect(nextEvents(harness.sql, "courier")).toEqual([]);
    expect(nextEvents(harness.sql, "stream")).toHaveLength(1);
    advanceCursor(harness.sql, "d1", harness.events().at(-1)?.id ?? 0);
    expect(nextEvents(harness.sql, "courier")).toHaveLength(1);
  });
});

describe("a finished job", () => {
  it.each(SINKS)("stays while the cursor of %s has not passed its end", (behind) => {
    const harness = new Harness();
    harness.create(id(1));
    harness.finish(id(1));
    const end = harness.events().at(-1)?.id ?? 0;
    for (const sink of SINKS) advanceCursor(harness.sql, sink, sink === behind ? end - 1 : end);
    expect(retire(harness.sql, 100)).toBe(0);
    expect(harness.job(id(1)).state).toBe("completed");
  });

  it("leaves once all cursors passed its end, and leaves its name, its outcome and its events", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.create(id(2), { tags: ["never=there"] });
    harness.finish(id(1));
    harness.drain();
    expect(retire(harness.sql, 100)).toBe(1);
    expect(harness.sql.all("SELECT id FROM jobs")).toEqual([{ id: id(2) }]);
    expect(harness.sql.all("SELECT file_id FROM files")).toEqual([]);
    expect(harness.sql.all("SELECT job_id FROM names")).toEqual([{ job_id: id(1) }]);
    expect(harness.run((turn) => claim(turn, identity("n1"), id(1), "1.1"))).toEqual({
      kind: "decided",
      state: "completed",
    });
    expect(harness.events(id(1)).map((event) => event.type)).toEqual([
      "job.created",
      "job.started",
      ".job.changed",
      ".job.changed",
      "job.completed",
    ]);
  });

  it("leaves in bounded portions", () => {
    const harness = new Harness();
    for (let n = 1; n <= 5; n++) {
      harness.create(id(n));
      harness.finish(id(n));
    }
    harness.drain();
    expect([retire(harness.sql, 2), retire(harness.sql, 2), retire(harness.sql, 2), retire(harness.sql, 2)]).toEqual([
      2, 2, 1, 0,
    ]);
  });
});

describe("the log of events", () => {
  it("keeps the newest thousand of an account, and older ones as long as a cursor needs them", () => {
    const harness = new Harness();
    const job = harness.create(id(1));
    harness.run((turn) => {
      for (let n = 0; n < EVENTS_KEPT_PER_ACCOUNT; n++) recordEvent(turn, job, ".job.changed", null);
    });
    harness.create(id(2), {}, account("bob"));
    harness.start(id(1));
    harness.fail(id(1), "removed");
    const all = harness.events();
    const end = all.at(-1)?.id ?? 0;
    for (const sink of SINKS) advanceCursor(harness.sql, sink, sink === "stream" ? (all[1]?.id ?? 0) : end);
    retire(harness.sql, 10);
    expect(harness.events()).toHaveLength(all.length);
    advanceCursor(harness.sql, "stream", end);
    expect(retire(harness.sql, 10)).toBe(1);
    const kept = harness.events();
    expect(kept.filter((event) => event.account_id === "ann")).toHaveLength(EVENTS_KEPT_PER_ACCOUNT);
    expect(kept.filter((event) => event.account_id === "bob")).toHaveLength(1);
    expect(kept.at(-1)?.id).toBe(end);
  });

  it("never moves a cursor back", () => {
    const harness = new Harness();
    advanceCursor(harness.sql, "d1", 10);
    advanceCursor(harness.sql, "d1", 5);
    expect(readCursor(harness.sql, "d1")).toBe(10);
    expect(readCursor(harness.sql, "stream")).toBe(0);
  });
});

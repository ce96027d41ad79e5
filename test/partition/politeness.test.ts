/** How many jobs of one source host a node runs at once, and what that does to the jobs of others (DESIGN section 4). */
import { describe, expect, it } from "vitest";
import { createJobs } from "../../edge/partition/create.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { enterSession } from "../../edge/partition/sessions.ts";
import { MAX_PER_HOST } from "../../shared/limits.ts";
import { account, id, identity, newJob } from "./fixtures.ts";
import { Harness } from "./harness.ts";

const ONE = identity("n1");
const TWO = identity("n2");
const SITE = { source_host: "site.example" };
const OTHER = { source_host: "other.example" };

function polite(maxPerHost = MAX_PER_HOST): Harness {
  return new Harness({ maxPerHost, maxPending: 1_000_000, maxReady: 1_000_000 });
}

/** A queue as long as this, of one host, in few transactions. */
function queue(harness: Harness, count: number, wish: object = SITE, from = 1): void {
  for (let at = 0; at < count; at += 1_000) {
    const jobs = Array.from({ length: Math.min(1_000, count - at) }, (_, n) => newJob(id(from + at + n), "ann", wish));
    harness.run((turn) => createJobs(turn, account("ann"), jobs));
  }
}

describe("a node", () => {
  it("runs four downloads of one host at once, and the next when one has ended", () => {
    const harness = polite();
    queue(harness, 6);
    expect(harness.lease(ONE, 10)).toEqual([id(1), id(2), id(3), id(4)]);
    expect(harness.lease(ONE, 10), "offers count").toEqual([]);
    for (const n of [1, 2, 3, 4]) harness.confirm(id(n));
    expect(harness.lease(ONE, 10)).toEqual([]);
    harness.fail(id(2), "removed");
    expect(harness.lease(ONE, 10)).toEqual([id(5)]);
  });

  it("is counted by itself: another one has its own four", () => {
    const harness = polite();
    queue(harness, 8);
    expect(harness.lease(ONE, 10)).toHaveLength(4);
    expect(harness.lease(TWO, 10)).toHaveLength(4);
  });

  it("is polite for all accounts together", () => {
    const harness = polite(1);
    harness.create(id(1), SITE, account("ann"));
    harness.create(id(2), SITE, account("bob"));
    expect(harness.lease(ONE, 5)).toHaveLength(1);
  });

  it("fills its other slots with jobs of other hosts, wherever they stand in the queue", () => {
    const harness = polite();
    queue(harness, 1_000);
    harness.create(id(2_000), OTHER);
    harness.create(id(2_001), { source_host: "a.example" });
    expect(harness.lease(ONE, 6).toSorted()).toEqual([1, 2, 3, 4, 2_000, 2_001].map(id));
  });

  it("takes the other hosts' jobs in the account's order", () => {
    const harness = polite(1);
    queue(harness, 200, { ...SITE, priority: 10 });
    harness.create(id(1_001), { source_host: "c.example" });
    harness.create(id(1_002), { source_host: "b.example", priority: 5 });
    harness.now += 1;
    harness.create(id(1_003), { source_host: "a.example" });
    expect(harness.lease(ONE, 9)).toEqual([1, 1_002, 1_001, 1_003].map(id));
  });

  it("still asks whether a job of another host is for it", () => {
    const harness = polite(1);
    queue(harness, 200);
    harness.create(id(1_001), { ...OTHER, tags: ["region=eu"] });
    expect(harness.lease(ONE, 9)).toEqual([id(1)]);
    expect(harness.lease({ ...TWO, tags: ["region=eu"] }, 9).toSorted()).toEqual([2, 1_001].map(id));
  });

  it("records as many streams of a host as it has slots for, and its downloads do not wait for them", () => {
    const harness = polite(1);
    const live = { ...SITE, options: { live_recording: true } };
    for (const n of [1, 2, 3]) harness.create(id(n), live);
    for (const n of [4, 5]) harness.create(id(n), SITE);
    const leased = harness.run((turn) => {
      enterSession(turn, ONE);
      return leaseJobs(turn, ONE, "r", { download: 4, live: 4 }, Number.MAX_SAFE_INTEGER);
    });
    expect(leased.map(({ job }) => job)).toEqual([1, 2, 3, 4].map(id));
  });

  it("runs as many as it has slots for where the operator has set no limit", () => {
    const harness = polite(0);
    queue(harness, 9);
    expect(harness.lease(ONE, 9)).toHaveLength(9);
  });
});

describe("a node that rests from a host", () => {
  it("is given what stands behind any number of that host's jobs", () => {
    const harness = polite();
    harness.run((turn) => enterSession(turn, TWO));
    harness.create(id(1), SITE);
    harness.start(id(1), ONE);
    harness.fail(id(1), "rate", { retryAfterMs: 60_000 });
    queue(harness, 500, SITE, 10);
    harness.create(id(2_000), OTHER);
    expect(harness.lease(ONE, 3)).toEqual([id(2_000)]);
  });
});

describe("the search for another host", () => {
  it("goes from host to host by its index and never through the queue", () => {
    const { sql } = polite();
    const plan = (query: string) =>
      sql
        .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`)
        .map((row) => row.detail)
        .join("\n");
    const next =
      "SELECT min(source_host) FROM jobs WHERE account_id = 'ann' AND state = 'queued' AND source_host > 'a'";
    expect(plan(next)).toMatch(/SEARCH jobs USING (COVERING )?INDEX job_ready_host/);
    const first = `SELECT * FROM jobs WHERE account_id = 'ann' AND source_host = 'a' AND state = 'queued' AND lane = ''
      ORDER BY priority DESC, queued_at, id LIMIT 8`;
    expect(plan(first)).toContain("job_ready_host");
    expect(plan(first)).not.toContain("TEMP B-TREE");
  });
});

describe("an account with 100,000 jobs", () => {
  it("keeps the first job of another waiting for no more than one job of its own to end", () => {
    const harness = polite();
    queue(harness, 100_000);
    const running = harness.lease(ONE, 4);
    for (const job of running) harness.confirm(job);
    harness.create(id(200_000), SITE, account("bob"));
    expect(harness.lease(ONE, 0), "all slots are taken").toEqual([]);
    harness.fail(running[0] ?? "", "removed");
    expect(harness.lease(ONE, 1)).toEqual([id(200_000)]);
  });

  it("shares with those that come and go, one job each in turn", () => {
    const harness = polite(0);
    queue(harness, 100_000);
    for (const n of [1, 2, 3]) harness.create(id(200_000 + n), OTHER, account("bob"));
    harness.create(id(300_000), OTHER, account("cyd"));
    const order = harness.lease(ONE, 8).map((job) => harness.job(job).account_id);
    expect(order.slice(0, 3).toSorted()).toEqual(["ann", "bob", "cyd"]);
    expect(order.slice(3, 5).toSorted()).toEqual(["ann", "bob"]);
    expect(order.slice(5, 7).toSorted()).toEqual(["ann", "bob"]);
    expect(order.slice(7)).toEqual(["ann"]);
  });
});

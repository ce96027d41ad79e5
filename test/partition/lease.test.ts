import { describe, expect, it } from "vitest";
import { createJobs } from "../../edge/partition/create.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { runDue } from "../../edge/partition/reap.ts";
import { enterSession, type NodeIdentity, releaseAttempt } from "../../edge/partition/sessions.ts";
import type { FailureClass } from "../../shared/contract/failures.ts";
import { LEASE_REPEAT_MS, MAX_LEASE_JOBS } from "../../shared/limits.ts";
import { account, id, identity, newJob } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const ONE = identity("n1");
const TWO = identity("n2");

function due(harness: Harness, ms: number): void {
  harness.now += ms;
  harness.sql.run("UPDATE sessions SET lease_until = ?, last_seen = ?", harness.now + MINUTE, harness.now);
  harness.run((turn) => runDue(turn, { lastHandledAt: turn.now, dueAt: turn.now }));
}

/** Ends an attempt of the only job and lets the back-off pass. */
function failOn(harness: Harness, who: NodeIdentity, failure: FailureClass): void {
  harness.start(id(1), who);
  harness.fail(id(1), failure);
  due(harness, 5 * MINUTE);
}

describe("a lease", () => {
  it("hands out nothing before D1 knows the job", () => {
    const harness = new Harness();
    const created = harness.create(id(1)).create_event;
    const ask = (request: string, cursor: number) =>
      harness.run((turn) => leaseJobs(turn, ONE, request, { download: 1, live: 0 }, cursor).length);
    expect(ask("r1", created - 1)).toBe(0);
    expect(ask("r2", created)).toBe(1);
  });

  it("raises the attempt at each hand-out, confirmed or not", () => {
    const harness = new Harness();
    harness.create(id(1));
    const tokens = [1, 2, 3].map(() => {
      const token = harness.leased()[0]?.token;
      due(harness, 15_000);
      return token;
    });
    expect(tokens).toEqual(["1.1", "1.2", "1.3"]);
    expect(harness.job(id(1))).toMatchObject({ attempt: 3, attempts: 0, status: "Pending", tries: "{}" });
  });

  it("gives the same jobs for the same request, as long as they are still offered to this session", () => {
    const harness = new Harness();
    for (let n = 1; n <= 3; n++) harness.create(id(n));
    const first = harness.leased(ONE, 2, "same");
    harness.now += 1_000;
    expect(harness.leased(ONE, 2, "same").map(({ job, token }) => [job, token])).toEqual(
      first.map(({ job, token }) => [job, token]),
    );
    harness.confirm(first[0]?.job ?? "");
    expect(harness.leased(ONE, 2, "same").map((leased) => leased.job)).toEqual([first[1]?.job]);
    expect(harness.leased({ ...ONE, session: 2 }, 2, "same")).toEqual([]);
  });

  it("forgets a request after a minute", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.lease(ONE, 1, "old");
    harness.now += LEASE_REPEAT_MS + 1;
    harness.lease(ONE, 1, "new");
    expect(harness.sql.all("SELECT request_id FROM lease_requests")).toEqual([{ request_id: "new" }]);
  });

  it("is bounded however many slots a node claims", () => {
    const harness = new Harness();
    for (let n = 1; n <= MAX_LEASE_JOBS + 5; n++) harness.create(id(n));
    expect(harness.lease(ONE, 1_000)).toHaveLength(MAX_LEASE_JOBS);
    expect(harness.lease(ONE, 0)).toEqual([]);
  });

  it("tells the node its limits and how long it may take", () => {
    const harness = new Harness();
    harness.create(id(1), {}, account("ann", { max_filesize_bytes: 7, attempt_deadline_seconds: 30 }));
    expect(harness.leased()[0]).toMatchObject({
      max_filesize_bytes: 7,
      max_duration_seconds: null,
      deadline_ms: 30_000,
      confirm_within_ms: 15_000,
    });
    expect(harness.confirm(id(1)).deadline_at).toBe(harness.now + 30_000);
  });
});

describe("fairness", () => {
  it("gives an account's first job the next slot, whatever the others have queued", () => {
    const harness = new Harness();
    const many = Array.from({ length: 10_000 }, (_, n) => newJob(id(n + 1), "ann"));
    harness.run((turn) => createJobs(turn, account("ann"), many));
    harness.lease(ONE, 5);
    harness.create(id(20_000), {}, account("bob"));
    expect(harness.lease(TWO, 1)).toEqual([id(20_000)]);
  });

  it("goes round the accounts, one job each", () => {
    const harness = new Harness();
    for (let n = 0; n < 9; n++) harness.create(id(n + 1), {}, account(["ann", "bob", "cyd"][n % 3] ?? ""));
    const order = [1, 2, 3].flatMap(() => harness.lease(ONE, 3)).map((job) => harness.job(job).account_id);
    for (const round of [0, 3, 6]) expect(order.slice(round, round + 3).toSorted()).toEqual(["ann", "bob", "cyd"]);
  });

  it("inside an account goes by priority, then age, then id", () => {
    const harness = new Harness();
    harness.create(id(3));
    harness.now += 1;
    harness.create(id(2));
    harness.create(id(1));
    harness.create(id(5), { priority: 10 });
    harness.create(id(4), { priority: -10 });
    expect(harness.lease(ONE, 5)).toEqual([id(5), id(3), id(1), id(2), id(4)]);
  });

  it("is not stopped by accounts that may not have more", () => {
    const harness = new Harness();
    for (let n = 1; n <= 40; n++) harness.create(id(n), {}, account(`own${n}`, {}, "own"));
    harness.create(id(100), {}, account("zed"));
    expect(harness.lease(ONE, 1)).toEqual([id(100)]);
  });

  it("is not stopped by jobs of the same account that wait for a node with tags", () => {
    const harness = new Harness();
    for (let n = 1; n <= 200; n++) harness.create(id(n), { tags: ["region=eu"], priority: 5 });
    harness.create(id(500));
    expect(harness.lease(ONE, 1)).toEqual([id(500)]);
    expect(harness.lease({ ...TWO, tags: ["gpu=1", "region=eu"] }, 1)).toEqual([id(1)]);
  });
});

describe("a cap", () => {
  it("bounds what an account has offered and running", () => {
    const harness = new Harness();
    const capped = account("ann", { max_concurrent: 2 });
    for (let n = 1; n <= 4; n++) harness.create(id(n), {}, capped);
    expect(harness.lease(ONE, 4)).toEqual([id(1), id(2)]);
    harness.confirm(id(1));
    expect(harness.lease(TWO, 4)).toEqual([]);
    harness.fail(id(1), "removed");
    expect(harness.lease(TWO, 4)).toEqual([id(3)]);
  });
});

describe("a pool", () => {
  it("of own nodes is closed to shared ones, and a bound node serves its account alone", () => {
    const harness = new Harness();
    harness.create(id(1), {}, account("ann", {}, "own"));
    harness.create(id(2), {}, account("bob"));
    const bound = { ...TWO, account: "ann" };
    expect(harness.lease(bound, 5)).toEqual([id(1)]);
    expect(harness.lease(ONE, 5)).toEqual([id(2)]);
  });
});

describe("a node that failed a job", () => {
  it("after a bot check never gets it again, and another one does", () => {
    const harness = new Harness();
    harness.create(id(1));
    failOn(harness, ONE, "bot");
    expect(harness.lease(ONE)).toEqual([]);
    expect(harness.lease(TWO)).toEqual([id(1)]);
  });

  it("after a bot check is waited for 15 min at most, then the job fails", () => {
    const harness = new Harness();
    harness.create(id(1));
    failOn(harness, ONE, "bot");
    due(harness, 9 * MINUTE);
    expect(harness.job(id(1)).state).toBe("queued");
    due(harness, 2 * MINUTE);
    expect(harness.job(id(1))).toMatchObject({ state: "failed", error_class: "bot" });
  });

  it("after a bot check may be waited for anew when the next one gives the job back", () => {
    const harness = new Harness();
    harness.create(id(1));
    failOn(harness, ONE, "bot");
    harness.start(id(1), TWO);
    due(harness, 20 * MINUTE);
    harness.run((turn) => releaseAttempt(turn, harness.job(id(1))));
    due(harness, 1);
    expect(harness.job(id(1)).state).toBe("queued");
  });

  it.each(["rate", "lost", "disk", "timeout", "media"] as const)(
    "by class %s gets it again only if no other node is online",
    (failure) => {
      const harness = new Harness();
      harness.create(id(1));
      harness.start(id(1), ONE);
      harness.run((turn) => enterSession(turn, TWO));
      harness.fail(id(1), failure);
      due(harness, 5 * MINUTE);
      expect(harness.lease(ONE)).toEqual([]);
      harness.sql.run("UPDATE sessions SET state = 'quiet' WHERE node_id = 'n2'");
      expect(harness.lease(ONE)).toEqual([id(1)]);
    },
  );

  it("after a loss counts as another node once it has a new session", () => {
    const harness = new Harness();
    harness.create(id(1));
    harness.start(id(1), ONE);
    harness.run((turn) => enterSession(turn, TWO));
    harness.run((turn) => enterSession(turn, { ...ONE, session: 2 }));
    expect(harness.job(id(1))).toMatchObject({ state: "delayed", tries: '{"lost":1}' });
    due(harness, 5 * MINUTE);
    expect(harness.lease({ ...ONE, session: 2 })).toEqual([id(1)]);
  });

  it("by class network may have the second try, and the third only without another node", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, TWO));
    harness.create(id(1));
    failOn(harness, ONE, "network");
    failOn(harness, ONE, "network");
    expect(harness.lease(ONE)).toEqual([]);
    expect(harness.lease(TWO)).toEqual([id(1)]);
  });

  it("by geo-block passes it to another country, and ends it without one online", () => {
    const harness = new Harness();
    const german = { ...ONE, country: "DE" };
    harness.run((turn) => enterSession(turn, { ...TWO, country: "DE" }));
    harness.create(id(1));
    harness.start(id(1), german);
    expect(harness.fail(id(1), "geo")).toMatchObject({ state: "warning", error_class: "geo" });

    harness.run((turn) => enterSession(turn, identity("n3", { country: "FR" })));
    harness.create(id(2));
    harness.start(id(2), german);
    expect(harness.fail(id(2), "geo").state).toBe("delayed");
    due(harness, 5 * MINUTE);
    for (const who of [german, { ...TWO, country: "DE" }, identity("n4")]) expect(harness.lease(who)).toEqual([]);
    expect(harness.lease(identity("n3", { country: "FR" }))).toEqual([id(2)]);
  });
});

describe("a cool-down", () => {
  it("keeps a (node, host) pair apart while another node is online", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, TWO));
    harness.create(id(1), { source_host: "slow.example" });
    harness.start(id(1), ONE);
    harness.fail(id(1), "rate", { retryAfterMs: 10 * MINUTE });
    harness.create(id(2), { source_host: "slow.example" });
    harness.create(id(3), { source_host: "other.example" });
    expect(harness.lease(ONE, 5)).toEqual([id(3)]);
    expect(harness.lease(TWO, 5)).toEqual([id(2)]);
  });

  it("ends by time, and holds nobody back who is alone", () => {
    const harness = new Harness();
    harness.run((turn) => enterSession(turn, TWO));
    harness.create(id(1), { source_host: "slow.example" });
    harness.start(id(1), ONE);
    harness.fail(id(1), "rate", { retryAfterMs: MINUTE });
    harness.create(id(2), { source_host: "slow.example" });
    expect(harness.lease(ONE)).toEqual([]);
    due(harness, MINUTE + 1);
    expect(harness.lease(ONE)).toEqual([id(2)]);
  });
});

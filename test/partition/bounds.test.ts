/** What a call of the core reads does not grow with the queue: no statement walks a table of jobs (DESIGN section 9). */
import { describe, expect, it } from "vitest";
import { createJobs } from "../../edge/partition/create.ts";
import { advanceCursor, retire, SINKS } from "../../edge/partition/drain.ts";
import { nextDue, runDue } from "../../edge/partition/reap.ts";
import { enterSession, type Heartbeat, heartbeat } from "../../edge/partition/sessions.ts";
import type { SqlValue } from "../../edge/partition/sql.ts";
import { readStats } from "../../edge/partition/stats.ts";
import { ALARM_MAX_ROWS } from "../../shared/limits.ts";
import { account, id, identity, newJob } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const NODE = identity("n1");
const BEAT: Heartbeat = { holding: [], slots: { download: 1, live: 1 }, state: "running", progress: "[]" };

/** The plans of all statements that the work runs. */
function plansOf(harness: Harness, work: () => void): Map<string, string> {
  const plans = new Map<string, string>();
  const { sql } = harness;
  const { run, all, get } = sql;
  const note = (query: string, params: readonly SqlValue[]) => {
    if (plans.has(query)) return;
    plans.set(query, "");
    const rows = sql.database.prepare(`EXPLAIN QUERY PLAN ${query}`).all(...params) as { detail: string }[];
    plans.set(query, rows.map((row) => row.detail).join("; "));
  };
  const spied = { run, all, get };
  for (const name of ["run", "all", "get"] as const) {
    Object.assign(sql, {
      [name]: (query: string, ...params: SqlValue[]) => {
        note(query, params);
        return (spied[name] as (query: string, ...params: SqlValue[]) => unknown)(query, ...params);
      },
    });
  }
  try {
    work();
  } finally {
    Object.assign(sql, spied);
  }
  return plans;
}

/** Statements that read all of one of the tables that grow with work. */
function walks(plans: Map<string, string>): string[] {
  // `USING … INDEX` on a partial index walks what is due, held or live, never the queue: job_ready is the one that is the queue.
  const table =
    /SCAN (?:[a-z] )?(jobs|events|outcomes|files|names|batches|idempotency)\b(?! USING (?:COVERING )?INDEX job_(?:due|held|ready_live))/;
  return [...plans].filter(([, plan]) => table.test(plan)).map(([query, plan]) => `${query} — ${plan}`);
}

describe("no table of jobs is walked by", () => {
  const cases: Record<string, (harness: Harness) => void> = {
    "a create": (harness) => void harness.create(id(900)),
    "the first create of a key with limits": (harness) => {
      const key = { id: "limited", limits: { max_concurrent: 1 } };
      harness.run((turn) =>
        createJobs(turn, account("ann"), [newJob(id(901), "ann", { key_id: "limited" })], () => {}, key),
      );
    },
    "a lease": (harness) => void harness.lease(identity("n2"), 4),
    "a heartbeat": (harness) => void harness.run((turn) => heartbeat(turn, NODE, BEAT)),
    "a whole job": (harness) => void harness.finish(id(3)),
    "the alarm": (harness) => {
      harness.now += 2 * MINUTE;
      harness.run((turn) => runDue(turn, { lastHandledAt: harness.now, dueAt: harness.now }));
      harness.run(nextDue);
    },
    "the figures": (harness) => {
      readStats(harness.core, harness.now);
    },
    retirement: (harness) => {
      for (const sink of SINKS) advanceCursor(harness.sql, sink, harness.core.ids.newest(harness.now));
      expect(retire(harness.sql, ALARM_MAX_ROWS)).toBe(1);
    },
  };
  for (const [what, work] of Object.entries(cases)) {
    it(what, () => {
      const harness = new Harness();
      harness.create(id(1));
      harness.finish(id(1));
      harness.create(id(2), { tags: ["region=mars"] });
      harness.create(id(3));
      expect(walks(plansOf(harness, () => work(harness)))).toEqual([]);
    });
  }
});

describe("a lease", () => {
  it("finds the job of an account behind any number that wait for a tag, a full key or D1's", () => {
    const harness = new Harness();
    const key = { id: "full", limits: { max_concurrent: 1 } };
    for (let n = 1; n <= 300; n++) harness.create(id(n), { tags: ["region=mars"], priority: 5 });
    const jobs = Array.from({ length: 300 }, (_, n) => newJob(id(1_000 + n), "ann", { key_id: "full", priority: 4 }));
    harness.run((turn) => createJobs(turn, account("ann"), jobs, () => {}, key));
    harness.create(id(5_000));
    expect(harness.lease(NODE, 3)).toEqual([id(1_000), id(5_000)]);
    expect(harness.lease(identity("mars", { tags: ["region=mars"] }), 1)).toEqual([id(1)]);
  });

  it("serves accounts in turn, whatever each of them has waiting", () => {
    const harness = new Harness();
    for (const [index, name] of ["ann", "bob", "cyd"].entries()) {
      for (let n = 0; n < 4; n++) harness.create(id(index * 10 + n), {}, account(name));
    }
    harness.sql.run("UPDATE accounts SET limits = '{\"max_concurrent\":1}' WHERE id = 'bob'");
    expect(harness.lease(NODE, 6)).toEqual([id(0), id(10), id(20), id(1), id(21), id(2)]);
    expect(harness.lease(identity("n2"), 2)).toEqual([id(22), id(3)]);
  });
});

describe("what the edge has missed", () => {
  it("is read once a lease, however many accounts have nodes of their own", () => {
    const harness = new Harness();
    for (let n = 0; n < 10; n++) {
      const own = identity(`own-${n}`, { account: `a${n}` });
      harness.run((turn) => enterSession(turn, own) && heartbeat(turn, own, BEAT));
      harness.create(id(n), {}, account(`a${n}`));
    }
    harness.lease(NODE);
    const { sql } = harness;
    const { get } = sql;
    let readings = 0;
    sql.get = <Row>(query: string, ...params: SqlValue[]) => {
      if (query.includes("FROM meta") && params[0] === "absence") readings++;
      return get<Row>(query, ...params);
    };
    expect(harness.lease(NODE, 5), "fresh work is its own nodes' first").toEqual([]);
    expect(readings).toBe(1);
  });
});

describe("retirement", () => {
  it("clears up what a sink left behind 500 rows at a time, and streams know how far the log reaches", () => {
    const harness = new Harness();
    const ids = Array.from({ length: 2_000 }, (_, n) => newJob(id(10 + n), "ann"));
    harness.run((turn) => createJobs(turn, account("ann"), ids));
    const count = () => harness.sql.get<{ n: number }>("SELECT count(*) AS n FROM events")?.n ?? 0;
    const oldest = () => harness.sql.get<{ id: number }>("SELECT min(id) AS id FROM events")?.id ?? 0;
    const from = () => harness.sql.get<{ f: number }>("SELECT events_from AS f FROM accounts")?.f;
    for (const [finished, most] of [
      [id(10), 500],
      [id(11), 500],
      [id(12), 500],
    ] as const) {
      harness.finish(finished);
      harness.drain();
      const before = count();
      expect(retire(harness.sql, ALARM_MAX_ROWS)).toBe(1);
      expect(before - count()).toBeLessThanOrEqual(most);
      expect(from()).toBe(oldest() - 1);
    }
    expect(count()).toBe(1_000);
  });
});

describe("one run of the alarm", () => {
  it("returns at most 500 attempts of sessions that fell silent, and is due again at once", () => {
    const harness = new Harness();
    const nodes = Array.from({ length: 40 }, (_, index) => identity(`node-${index}`));
    harness.run((turn) =>
      createJobs(
        turn,
        account("ann"),
        Array.from({ length: 1_200 }, (_, n) => newJob(id(n), "ann")),
      ),
    );
    for (const node of nodes) for (const job of harness.lease(node, 30)) harness.confirm(job, node);
    harness.now += MINUTE + 1;
    const reap = () =>
      harness.run((turn) => runDue(turn, { lastHandledAt: harness.now - 2 * MINUTE, dueAt: harness.now }))
        .attemptsReturned;
    const rounds = [reap(), reap(), reap()];
    expect(Math.max(...rounds)).toBeLessThan(ALARM_MAX_ROWS + 32);
    expect(rounds.reduce((sum, each) => sum + each, 0)).toBe(1_200);
  });

  it.each(["the alarm comes late", "a node is heard again"])(
    "after an absence renews the leases and deadlines of any number of nodes in a few rows: %s",
    (sign) => {
      const harness = new Harness();
      const nodes = Array.from({ length: 30 }, (_, index) => identity(`node-${index}`));
      const jobs = Array.from({ length: 300 }, (_, n) => newJob(id(n), "ann"));
      harness.run((turn) => createJobs(turn, account("ann"), jobs));
      for (const node of nodes) for (const job of harness.lease(node, 10)) harness.confirm(job, node);
      harness.now += 180 * MINUTE;
      const changes = () => harness.sql.get<{ n: number }>("SELECT total_changes() AS n")?.n ?? 0;
      const before = changes();
      if (sign === "a node is heard again") harness.run((turn) => heartbeat(turn, NODE, BEAT));
      const presence = { lastHandledAt: harness.now, dueAt: harness.now - MINUTE };
      expect(harness.run((turn) => runDue(turn, presence))).toMatchObject({
        spared: true,
        sessionsEnded: 0,
        timedOut: 0,
      });
      expect(changes() - before).toBeLessThan(10);
    },
  );

  it("forgets sessions that have been silent for a day", () => {
    const harness = new Harness();
    harness.lease(NODE);
    const rows = () => harness.sql.all("SELECT node_id FROM sessions");
    const run = () => harness.run((turn) => runDue(turn, { lastHandledAt: 0, dueAt: harness.now }));
    harness.now += 2 * MINUTE;
    run();
    expect(rows()).toHaveLength(1);
    harness.now += 24 * 60 * MINUTE;
    run();
    expect(rows()).toEqual([]);
  });
});

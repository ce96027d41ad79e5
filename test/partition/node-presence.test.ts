/** What the operator is told of the nodes: of one, or of a bounded number of them. */
import { describe, expect, it } from "vitest";
import { readPresence } from "../../edge/partition/node-presence.ts";
import { enterSession, heartbeat } from "../../edge/partition/sessions.ts";
import { id, identity } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const SLOTS = { download: 1, live: 0 };
const MAX_LISTED = 10_000;

function heard(harness: Harness, node: string): void {
  harness.run((turn) => {
    enterSession(turn, identity(node));
    heartbeat(turn, identity(node), { holding: [], slots: SLOTS, state: "running", progress: null });
  });
}

/** Rows as a large fleet leaves them: `lost` ones of a day ago, and those that rest from a host. */
function crowd(harness: Harness, sessions: number, coolDowns: number): void {
  const numbers = `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ?)`;
  harness.sql.run(
    `${numbers} INSERT INTO sessions (node_id, session, name, tags, state, slots, last_seen, lease_until, progress)
       SELECT 'old-' || n, 1, 'old', '[]', 'lost', '{}', n, n, '[]' FROM n`,
    sessions,
  );
  harness.sql.run(
    `${numbers} INSERT INTO cool_downs (node_id, host, until) SELECT 'old-' || n, 'busy.example', ? + n FROM n`,
    coolDowns,
    harness.now,
  );
}

describe("the nodes that are listed", () => {
  it("are as many as the list may hold, those that are there before those that were given up", () => {
    const harness = new Harness();
    crowd(harness, MAX_LISTED + 500, MAX_LISTED + 500);
    heard(harness, "first");
    harness.now += 1_000;
    heard(harness, "last");
    const told = readPresence(harness.sql, harness.now - 1_000);
    expect(told.slice(0, 2).map(({ node, state }) => [node, state])).toEqual([
      ["last", "running"],
      ["first", "running"],
    ]);
    expect(told).toHaveLength(MAX_LISTED);
    expect(told[2]).toMatchObject({
      node: `old-${MAX_LISTED + 500}`,
      state: "lost",
      cool_downs: [{ host: "busy.example" }],
    });
    expect(told.flatMap(({ cool_downs }) => cool_downs).length).toBeLessThanOrEqual(MAX_LISTED);
  });

  it("are one where one is asked for, with what it runs and rests from now", () => {
    const harness = new Harness();
    crowd(harness, 10, 10);
    harness.create(id(1));
    harness.create(id(2));
    harness.lease(identity("n1"), 2);
    harness.confirm(id(1));
    harness.sql.run(
      "INSERT INTO cool_downs (node_id, host, until) VALUES ('n1', 'a.example', ?)",
      harness.now + MINUTE,
    );
    harness.sql.run("INSERT INTO cool_downs (node_id, host, until) VALUES ('n1', 'b.example', ?)", harness.now);
    expect(readPresence(harness.sql, harness.now, "n1")).toEqual([
      {
        node: "n1",
        state: "running",
        reason: null,
        quarantine: null,
        last_seen: harness.now,
        running: 1,
        cool_downs: [{ host: "a.example", until: harness.now + MINUTE }],
      },
    ]);
    expect(readPresence(harness.sql, harness.now, "nobody")).toEqual([]);
  });
});

import { expect, test } from "vitest";
import { Core } from "../../edge/partition/core.ts";
import { upsertAccount } from "../../edge/partition/create.ts";
import { EventIds } from "../../edge/partition/event-ids.ts";
import { ProgressBoard } from "../../edge/partition/progress-board.ts";
import { resumeStream } from "../../edge/partition/resume.ts";
import { openSchema } from "../../edge/partition/schema.ts";
import { resolveCore } from "../../edge/partition/turn.ts";
import { nodeSql } from "./node-sql.ts";

const ACCOUNT = "01a2310c-0100-726b-b2a7-4de452e6b438";

function deps(eventsFrom: number) {
  const sql = nodeSql();
  openSchema(sql);
  const core = new Core("p1:test:0", sql, resolveCore({}), 1, new EventIds(0));
  core.run(1, Math.random, (turn) =>
    upsertAccount(turn, { id: ACCOUNT, pool: "own_first", limits: "{}", store_prefix: "", storage: null }),
  );
  sql.run("UPDATE accounts SET events_from = ?", eventsFrom);
  for (const id of [11, 12]) {
    sql.run(
      "INSERT INTO events (id, account_id, type, data) VALUES (?, ?, 'job.created', ?)",
      id,
      ACCOUNT,
      `{"id":"${id}"}`,
    );
  }
  return { sql, board: new ProgressBoard(), epoch: 1, now: 1 };
}

test("a stream that asks for less than the log still holds is told so", () => {
  expect(resumeStream(deps(10), ACCOUNT, { kind: "account" }, 9)).toBe(null);
});

test("a stream gets what came after its id, oldest first", () => {
  expect(resumeStream(deps(10), ACCOUNT, { kind: "account" }, 10)).toEqual([{ id: "11" }, { id: "12" }]);
  expect(resumeStream(deps(10), ACCOUNT, { kind: "account" }, 11)).toEqual([{ id: "12" }]);
  expect(resumeStream(deps(10), ACCOUNT, { kind: "account" }, 12)).toEqual([]);
});

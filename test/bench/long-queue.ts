/**
 * A partition with a long queue, made by SQL: the core makes one job of each account the ordinary way, and the others are
 * copies of it. A million creates would take minutes and measure nothing that is asked here.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Core } from "../../edge/partition/core.ts";
import { createJobs } from "../../edge/partition/create.ts";
import { advanceCursor, SINKS } from "../../edge/partition/drain.ts";
import { EventIds } from "../../edge/partition/event-ids.ts";
import { openSchema, setMeta } from "../../edge/partition/schema.ts";
import { enterSession, heartbeat, type NodeIdentity } from "../../edge/partition/sessions.ts";
import { resolveCore, type Turn } from "../../edge/partition/turn.ts";
import { copyJobs } from "../partition/copy-jobs.ts";
import { account, id, identity, newJob, START } from "../partition/fixtures.ts";
import { type NodeSql, nodeSql } from "../partition/node-sql.ts";

export interface LongQueue {
  sql: NodeSql;
  core: Core;
  nodes: readonly NodeIdentity[];
  /** One transaction, at a time of its own. */
  run<Result>(body: (turn: Turn) => Result): Result;
  close(): void;
}

export interface QueueWish {
  jobs: number;
  accounts: number;
  sessions: number;
  /** `TRAWL_MAX_PARTITION_READY` where the queue is longer than its default. */
  maxReady?: number;
}

/** On a file of its own, as in production: in memory nothing would cost a read. */
export function longQueue({ jobs, accounts, sessions, maxReady = 10_000_000 }: QueueWish): LongQueue {
  const folder = mkdtempSync(join(tmpdir(), "trawl-queue-"));
  const sql = nodeSql(join(folder, "partition.sqlite"));
  // Durability is not what is measured: the platform's own is another one.
  sql.database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
  openSchema(sql);
  setMeta(sql, "epoch", "1");
  const core = new Core("p1:bench:0", sql, resolveCore({ maxPending: 10_000_000, maxReady }), 1, EventIds.load(sql));
  let now = START;
  const run = <Result>(body: (turn: Turn) => Result): Result => core.run(++now, () => 0.5, body).result;
  for (let index = 0; index < accounts; index++) {
    const name = `account-${index}`;
    run((turn) => createJobs(turn, account(name), [newJob(id(index + 1), name, { source_host: `${name}.example` })]));
  }
  copyJobs(sql, Math.floor(jobs / accounts) - 1);
  sql.database.exec("ANALYZE");
  sql.database.exec("DELETE FROM sqlite_stat1"); // the platform keeps none
  for (const sink of SINKS) advanceCursor(sql, sink, core.ids.newest(now));
  const nodes = Array.from({ length: sessions }, (_, index) => identity(`node-${index}`));
  for (const node of nodes) {
    run((turn) => {
      enterSession(turn, node);
      heartbeat(turn, node, { holding: [], slots: { download: 4, live: 8 }, state: "running", progress: "[]" });
    });
  }
  return {
    sql,
    core,
    nodes,
    run,
    close() {
      sql.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

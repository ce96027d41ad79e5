/** A partition with a crowd in it, on the storage of a real Durable Object, which counts the rows that each statement reads. */
import { Core } from "../../../edge/partition/core.ts";
import { createJobs } from "../../../edge/partition/create.ts";
import { advanceCursor, collectFlight, flightLanded, nextEvents, SINKS } from "../../../edge/partition/drain.ts";
import { EventIds } from "../../../edge/partition/event-ids.ts";
import { openSchema, setMeta } from "../../../edge/partition/schema.ts";
import { enterSession, heartbeat, type NodeIdentity } from "../../../edge/partition/sessions.ts";
import type { Sql, SqlValue } from "../../../edge/partition/sql.ts";
import { readStats } from "../../../edge/partition/stats.ts";
import { resolveCore, type Turn } from "../../../edge/partition/turn.ts";
import { copyJobs } from "../../partition/copy-jobs.ts";
import { account, id, identity, newJob, START } from "../../partition/fixtures.ts";

export interface CrowdSize {
  accounts: number;
  /** Ready ones of each account. */
  jobs: number;
  /** Of each account, in back-off. */
  delayed: number;
  sessions: number;
  /** Given up in the last day. */
  lost: number;
}

/** Rows that one call of the core read and wrote, by statement. */
export interface Cost {
  rows: number;
  worst: string;
}

export class Crowd {
  readonly sql: Sql;
  readonly core: Core;
  now = START;
  readonly nodes: NodeIdentity[];
  readonly #rows = new Map<string, number>();
  #isCounting = true;

  constructor(storage: DurableObjectStorage, size: CrowdSize) {
    this.sql = this.#counting(storage);
    openSchema(this.sql);
    setMeta(this.sql, "epoch", "1");
    const config = resolveCore({ maxPending: 1_000_000, maxReady: 1_000_000 });
    this.core = new Core("p1:crowd:0", this.sql, config, 1, EventIds.load(this.sql));
    for (let n = 0; n < size.accounts; n++) this.#account(n);
    copyJobs(this.sql, size.jobs - 1);
    this.#delay(size);
    this.nodes = Array.from({ length: size.sessions }, (_, n) => identity(`node-${n}`));
    for (let n = 0; n < size.lost; n++) this.beat(identity(`gone-${n}`));
    this.sql.run("UPDATE sessions SET state = 'lost'");
    for (const node of this.nodes) this.beat(node);
    // As in an object that has been there for a while.
    this.fly();
    this.drain();
    readStats(this.core, this.now);
  }

  #counting(storage: DurableObjectStorage): Sql {
    const exec = <Row>(query: string, params: SqlValue[]): Row[] => {
      const cursor = storage.sql.exec(query, ...params);
      const rows = cursor.toArray() as Row[];
      if (this.#isCounting) this.#rows.set(query, (this.#rows.get(query) ?? 0) + cursor.rowsRead + cursor.rowsWritten);
      return rows;
    };
    return {
      run: (query, ...params) => void exec(query, params),
      all: (query, ...params) => exec(query, params),
      get: <Row>(query: string, ...params: SqlValue[]) => exec<Row>(query, params)[0],
      transaction: (body) => storage.transactionSync(body),
    };
  }

  #account(n: number): void {
    const name = `account-${n}`;
    this.run((turn) => createJobs(turn, account(name), [newJob(id(n + 1), name)]));
  }

  /** The last ones of each account are in back-off for an hour. */
  #delay({ delayed }: CrowdSize): void {
    if (delayed === 0) return;
    this.sql.run(
      `UPDATE jobs SET state = 'delayed', not_before = ? WHERE id IN (
         SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY queued_at DESC) AS n FROM jobs)
         WHERE n <= ?)`,
      this.now + 3_600_000,
      delayed,
    );
    this.sql.run("UPDATE accounts SET ready = ready - ?", delayed);
    this.core.figures.forget();
  }

  run<Result>(body: (turn: Turn) => Result): Result {
    return this.core.run(++this.now, () => 0.5, body).result;
  }

  beat(node: NodeIdentity): void {
    this.run((turn) => {
      enterSession(turn, node);
      heartbeat(turn, node, { holding: [], slots: { download: 4, live: 1 }, state: "running", progress: "[]" });
    });
  }

  /** All events to D1, as far as the partition has to do with it. */
  fly(): void {
    for (let events = nextEvents(this.sql, "d1"); events.length > 0; events = nextEvents(this.sql, "d1")) {
      flightLanded(this.sql, collectFlight(this.sql, events));
      advanceCursor(this.sql, "d1", events.at(-1)?.id ?? 0);
    }
  }

  drain(): void {
    for (const sink of SINKS) advanceCursor(this.sql, sink, this.core.ids.newest(this.now));
  }

  uncounted(work: (sql: Sql) => void): void {
    this.#isCounting = false;
    work(this.sql);
    this.#isCounting = true;
  }

  costOf(work: () => void): Cost {
    this.#rows.clear();
    work();
    const [worst] = [...this.#rows].toSorted(([, a], [, b]) => b - a);
    return {
      rows: [...this.#rows.values()].reduce((sum, each) => sum + each, 0),
      worst: worst === undefined ? "" : `${worst[1]} rows: ${worst[0].replace(/\s+/g, " ").slice(0, 160)}`,
    };
  }
}

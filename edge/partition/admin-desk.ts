/**
 * What the operator may ask of a partition: figures, orders about nodes and keys, and the removal of an account. The
 * Worker has written to D1 first whatever must outlive this object.
 */
import type { Step } from "../../shared/contract/fleet.ts";
import { ALARM_MAX_ROWS, BARRIER_WAIT_MS, GROUP_COMMIT_WAIT_MS } from "../../shared/limits.ts";
import { cancelJob } from "./cancel.ts";
import type { Core } from "./core.ts";
import { type AccountFacts, pushAccount } from "./create.ts";
import type { Drainer } from "./drainer.ts";
import { getJobRow } from "./move.ts";
import { drainNode, resumeNode, takeStanding } from "./node-faults.ts";
import { type NodeStanding, orderRemoval } from "./node-orders.ts";
import { type NodePresence, readPresence } from "./node-presence.ts";
import type { ProgressBoard } from "./progress-board.ts";
import { newestEventOf, readAccountTotals } from "./reads.ts";
import { forgetRecords } from "./records.ts";
import { addRevoked, isRevoked } from "./revoked-keys.ts";
import { withdrawAll } from "./sessions.ts";
import type { Sql } from "./sql.ts";
import { type PartitionStats, readStats } from "./stats.ts";
import type { Effects, Turn } from "./turn.ts";

export interface AdminDeskDeps {
  core: Core;
  board: ProgressBoard;
  d1: Drainer;
  now: () => number;
  follow(effects: Effects): void;
  /** Whether a node may have slots free, as far as its orders tell. */
  room(node: string, free: boolean): void;
}

export interface CancelCount {
  cancelled: number;
  /** Jobs that go on: more than one call takes, and those whose files are just being committed. */
  left: number;
  /** D1 knows of everything that happened to the account. */
  stored: boolean;
}

/** How far a live job is; the rest of it stands in D1. */
export interface LiveProgress {
  step: Step | null;
  progress: number | null;
}

function liveJobsOf({ sql }: { sql: Sql }, account: string): number {
  const { pending, processing } = readAccountTotals(sql, account);
  return pending + processing;
}

export class AdminDesk {
  readonly #deps: AdminDeskDeps;

  constructor(deps: AdminDeskDeps) {
    this.#deps = deps;
  }

  stats(): PartitionStats {
    return readStats(this.#deps.core, this.#deps.now());
  }

  /** @param node that one alone. Missing: all of them. */
  nodes(node?: string): NodePresence[] {
    return readPresence(this.#deps.core.sql, this.#deps.now(), node);
  }

  /**
   * A drained node finishes what it has and gets nothing new; the heartbeat tells it. A resumed one hears a ring at once.
   *
   * @param standing missing from a Worker of the release before.
   */
  setDrained(node: string, drained: boolean, standing?: NodeStanding): void {
    this.#deps.room(node, !drained);
    this.#run((turn) => {
      if (standing !== undefined) takeStanding(turn, standing);
      else if (drained) drainNode(turn, node);
      else resumeNode(turn, node);
    });
  }

  /** What D1 made of faults that were seen in some partition. */
  takeStandings(standings: readonly NodeStanding[]): void {
    this.#run((turn) => {
      for (const standing of standings) takeStanding(turn, standing);
    });
  }

  /** Ends the node's session; what it held goes back at once and costs no try. Returns how many jobs came back. */
  removeNode(node: string): number {
    return this.#run((turn) => {
      orderRemoval(turn.sql, node, turn.now);
      const returned = withdrawAll(turn, node);
      turn.sql.run("DELETE FROM sessions WHERE node_id = ?", node);
      turn.figures.sessionsChanged();
      turn.sql.run("DELETE FROM cool_downs WHERE node_id = ?", node);
      return returned;
    });
  }

  revokeKeys(keys: readonly string[]): void {
    addRevoked(this.#deps.core.sql, keys, this.#deps.now());
  }

  isRevoked(key: string): boolean {
    return isRevoked(this.#deps.core.sql, key);
  }

  /** New limits or pool count from now on, not from the account's next request. */
  setAccount(account: AccountFacts): void {
    this.#run((turn) => {
      pushAccount(turn, account);
      turn.effects.ring = true;
    });
  }

  /**
   * Cancels the account's jobs, the running ones too, at most `ALARM_MAX_ROWS` of them, so that the object can breathe
   * between two calls. Those that wait are found by job_ready(account_id, …), and are nearly all; no index leads to the
   * others, because an account is removed rarely, and an index would cost a row at each move.
   */
  async cancelAccount(account: string): Promise<CancelCount> {
    const { core, d1 } = this.#deps;
    const count = this.#run((turn) => {
      const some = (where: string) =>
        turn.sql.all<{ id: string }>(
          `SELECT id FROM jobs WHERE account_id = ? AND ${where} LIMIT ${ALARM_MAX_ROWS}`,
          account,
        );
      const waiting = some("state = 'queued'");
      const live = waiting.length > 0 || liveJobsOf(turn, account) === 0 ? waiting : some("finished_at IS NULL");
      // A parent takes its children along, so that some of the list are over before their turn.
      for (const job of live) cancelJob(turn, account, job.id, true);
      return live.length;
    });
    const left = liveJobsOf(core, account);
    const newest = newestEventOf(core.sql, account);
    const stored = newest === null || (await d1.passed(newest, GROUP_COMMIT_WAIT_MS));
    return { cancelled: count, left, stored };
  }

  /** The names of an account whose files are gone, and its credentials. Its counters stay: figures of the whole partition never fall. */
  forgetAccount(account: string): void {
    this.#deps.core.sql.transaction(() => {
      for (const table of ["names", "idempotency", "keys"]) {
        this.#deps.core.sql.run(`DELETE FROM ${table} WHERE account_id = ?`, account);
      }
      this.#deps.core.sql.run("UPDATE accounts SET storage = NULL WHERE id = ?", account);
    });
  }

  /**
   * Lets go of what is kept here of finished work whose records are about to leave D1: names in storage of the accounts'
   * own, and events. Counters stay. Returns the ids that must not go yet, because they live here still.
   */
  forgetRecords(ids: readonly string[]): string[] {
    return this.#run((turn) => forgetRecords(turn.sql, ids));
  }

  /** Waits (at most 2 s) until D1 has the account's events, then tells how far the job is, if it is live. */
  async jobProgress(account: string, id: string): Promise<LiveProgress | null> {
    const { core, board, d1 } = this.#deps;
    const newest = newestEventOf(core.sql, account);
    if (newest !== null) await d1.passed(newest, BARRIER_WAIT_MS);
    const job = getJobRow(core.sql, id);
    if (job === undefined || job.account_id !== account || job.state !== "running") return null;
    const entry = board.of(job, `${core.epoch}.${job.attempt}`);
    return { step: entry?.step ?? job.step, progress: entry?.progress ?? job.progress };
  }

  #run<Result>(body: (turn: Turn) => Result): Result {
    const { core, now, follow } = this.#deps;
    const { result, effects } = core.run(now(), Math.random, body);
    follow(effects);
    return result;
  }
}

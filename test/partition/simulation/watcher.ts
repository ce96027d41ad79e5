/** Looks at everything that happens to the partition and throws at the first broken promise. */
import type { Core } from "../../../edge/partition/core.ts";
import type { FileRow } from "../../../edge/partition/drain.ts";
import type { EventRow, JobEventData } from "../../../edge/partition/events.ts";
import type { EdgePresence, ReapCount } from "../../../edge/partition/reap.ts";
import type { Claim } from "../../../edge/partition/report.ts";
import { apiStatus, isTerminal, type State } from "../../../edge/partition/states.ts";
import { REAPER_LATE_SHARE } from "../../../shared/limits.ts";
import type { NodeSql } from "../node-sql.ts";
import { JobHistory } from "./job-history.ts";
import { type LostSession, observe, watchStorage } from "./observation.ts";
import { checkCounters, checkNames, checkRows, dueOf, readTables, type Tables } from "./state-checks.ts";
import { Violation, type World } from "./world.ts";

interface Absence {
  from: number;
  until: number;
  /** Sessions whose silence had been forgiven once before: the rule forgives no second time. */
  forgiven: Set<string>;
}

export class Watcher {
  readonly #world: World;
  jobs = new Map<string, JobHistory>();
  /** By job, of this generation's ends and of what a birth found in D1. */
  #files = new Map<string, FileRow[]>();
  #ended = new Map<string, number>();
  #lastEvent = 0;
  #lastChange = -1;
  #tables: Tables = { jobs: [], sessions: [], uploads: [], names: [], accounts: [] };
  #absences: Absence[] = [];
  #heard = 0;
  #sparedAt = 0;
  readonly #cancelled = new Set<string>();
  /** Ended in a partition whose storage was lost before D1 heard of it: allowed to run again. */
  readonly repeated = new Set<string>();
  readonly delivered: EventRow[] = [];
  checks = 0;

  constructor(world: World) {
    this.#world = world;
  }

  opened(core: Core): void {
    if (!watchStorage(core)) return;
    this.#tables = readTables(core);
    this.#lastChange = -1;
    this.jobs = new Map(
      this.#tables.jobs.map((job) => [
        job.id,
        new JobHistory(job.id, job.account_id, core.epoch, job.state, job.attempt, job.attempts),
      ]),
    );
    this.#files = Map.groupBy(this.#world.d1.files(), (file) => file.job_id);
    this.#ended = new Map();
    for (const account of this.#tables.accounts) {
      for (const status of ["completed", "failed", "warning", "skipped"] as const) {
        const name = status[0]?.toUpperCase() + status.slice(1);
        this.#ended.set(`${account.id} ${name}`, account[status]);
      }
    }
    this.check(core);
  }

  /** What this storage knew and D1 does not may happen again. */
  wiped(sql: NodeSql): void {
    for (const { id, state } of sql.all<{ id: string; state: State }>("SELECT id, state FROM jobs")) {
      const known = this.#world.d1.job(id);
      const over = isTerminal(state) || state === "finishing";
      if (over && (known === undefined || known.finished_at === null)) this.repeated.add(id);
    }
    this.#sparedAt = 0;
  }

  /**
   * A start after TTL / 2 always shows as a silence. A process that merely stood still shows it by a late alarm, and
   * surely so when every lease has been over for longer than an alarm may be late.
   */
  edgeAway(from: number, until: number, kind: "restarted" | "stood still"): void {
    const ttl = this.#world.config.leaseTtlMs;
    if (until - from < (kind === "restarted" ? ttl / 2 : ttl * (1 + REAPER_LATE_SHARE) + 1_000)) return;
    const again = this.#sparedAt > this.#heard || this.#absences.some((other) => other.until > this.#heard);
    const forgiven = this.#tables.sessions.filter((session) => again || session.lease_until > session.last_seen + ttl);
    this.#absences.push({ from, until, forgiven: new Set(forgiven.map((session) => session.node_id)) });
  }

  // --- after each transaction

  check(core: Core): void {
    const changes = core.sql.get<{ n: number }>("SELECT total_changes() AS n")?.n ?? 0;
    if (changes === this.#lastChange) return;
    this.checks++;
    const { moves, events, lost } = observe(core);
    for (const move of moves) {
      this.#world.note(`job ${move.job} ${move.old ?? "born"} → ${move.new ?? "retired"} #${move.attempt}`);
      if (move.old === null && move.new !== null) {
        if (this.jobs.has(move.job)) throw new Violation(`a job is made once: ${move.job}`);
        const born = new JobHistory(move.job, move.account, core.epoch, move.new, move.attempt, move.attempts);
        this.jobs.set(move.job, born);
      } else {
        this.jobs.get(move.job)?.move(move);
      }
      if (move.old !== null && move.new !== null && isTerminal(move.new)) this.#end(core, move.job, move.new);
    }
    for (const event of events) {
      if (event.id <= this.#lastEvent) throw new Violation(`event ids rise: ${event.id} after ${this.#lastEvent}`);
      this.#lastEvent = event.id;
      if (event.job !== null) this.jobs.get(event.job)?.event(event.type);
    }
    for (const move of moves) this.#checkTerminal(move.job, move.new);
    this.#tables = readTables(core);
    this.#checkLost(lost);
    this.#heard = Math.max(0, ...this.#tables.sessions.map((session) => session.last_seen));
    checkRows(core, this.#tables);
    checkCounters(this.#tables, (account, status) => this.#ended.get(`${account} ${status}`) ?? 0);
    checkNames(this.#tables, this.#files);
    this.#lastChange = core.sql.get<{ n: number }>("SELECT total_changes() AS n")?.n ?? 0;
  }

  #end(core: Core, job: string, state: State): void {
    const history = this.jobs.get(job);
    if (history === undefined) return;
    const key = `${history.account} ${apiStatus(state)}`;
    this.#ended.set(key, (this.#ended.get(key) ?? 0) + 1);
    const files = core.sql.all<FileRow>("SELECT * FROM files WHERE job_id = ?", job);
    if (files.length > 0) this.#files.set(job, files);
    if ((state === "completed") !== files.length > 0) throw new Violation(`completed has files: ${job} is ${state}`);
  }

  #checkTerminal(job: string, state: State | null): void {
    const history = this.jobs.get(job);
    if (state === null || !isTerminal(state) || history === undefined) return;
    if (history.terminalEvents !== 1) throw new Violation(`one terminal event: ${job} has ${history.terminalEvents}`);
  }

  /** After the edge was away each session has a whole TTL to be heard again. */
  #checkLost(lost: readonly LostSession[]): void {
    const { now, config } = this.#world;
    for (const session of lost) {
      const unfair = this.#absences.find(
        ({ from, until, forgiven }) =>
          !forgiven.has(session.node) && session.lastSeen <= from && until <= now && now < until + config.leaseTtlMs,
      );
      if (unfair !== undefined) {
        const { from, until } = unfair;
        throw new Violation(`a late reaper reaps nothing: ${session.node}, edge away ${from}–${until}`);
      }
    }
  }

  checkDue(core: Core, due: number | null): void {
    this.check(core);
    const expected = dueOf(this.#tables);
    if (due !== expected) throw new Violation(`alarm iff something is due: ${due}, but the rows say ${expected}`);
  }

  alarmRan(presence: EdgePresence, count: ReapCount): void {
    const { now, config } = this.#world;
    if (now - presence.dueAt > config.leaseTtlMs * REAPER_LATE_SHARE) {
      const reaped = count.sessionsEnded + count.attemptsReturned + count.timedOut;
      if (reaped > 0) throw new Violation(`a late reaper reaps nothing: ${JSON.stringify(count)}`);
    }
    if (count.spared > 0) this.#sparedAt = now;
    const due = dueOf({ ...this.#tables, uploads: [] });
    if (due !== null && due <= now) throw new Violation(`due work is handled: due ${due}, alarm ran at ${now}`);
  }

  // --- what clients and nodes were told

  claimed(job: string, token: string, call: string, claim: Claim): void {
    this.jobs.get(job)?.claimed(token, claim.kind, call);
    if (call === "confirm" && claim.kind === "holder" && this.#cancelled.has(job)) {
      throw new Violation(`a cancelled job never runs: ${job} with ${token}`);
    }
  }

  cancelAcknowledged(job: string): void {
    this.#cancelled.add(job);
  }

  get cancelled(): ReadonlySet<string> {
    return this.#cancelled;
  }

  progressed(job: string, data: JobEventData): void {
    const history = this.jobs.get(job);
    if (history === undefined || history.state !== "running")
      throw new Violation(`progress only while running: ${job}`);
    if (Number(data.id) <= this.#lastEvent) throw new Violation(`event ids rise: progress ${data.id} of ${job}`);
    this.#lastEvent = Number(data.id);
  }

  streamed(events: readonly EventRow[]): void {
    this.delivered.push(...events);
  }
}

/** Looks at everything that happens to the partition and throws at the first broken promise. */
import type { Notice } from "../../../edge/courier/notice.ts";
import type { Core } from "../../../edge/partition/core.ts";
import type { FileRow } from "../../../edge/partition/drain.ts";
import type { EventRow, JobEventData } from "../../../edge/partition/events.ts";
import type { EdgePresence } from "../../../edge/partition/presence.ts";
import type { ReapCount } from "../../../edge/partition/reap.ts";
import type { Claim } from "../../../edge/partition/report.ts";
import type { NodeIdentity } from "../../../edge/partition/sessions.ts";
import { apiStatus, isTerminal, type State } from "../../../edge/partition/states.ts";
import type { Effects } from "../../../edge/partition/turn.ts";
import { REAPER_LATE_SHARE } from "../../../shared/limits.ts";
import type { NodeSql } from "../node-sql.ts";
import { DispatchChecks } from "./dispatch-checks.ts";
import { FailureChecks } from "./failure-checks.ts";
import { FleetChecks } from "./fleet-checks.ts";
import { JobHistory } from "./job-history.ts";
import { type LostSession, observe, watchStorage } from "./observation.ts";
import { Pauses } from "./pauses.ts";
import {
  checkBatches,
  checkCounters,
  checkFigures,
  checkNames,
  checkRows,
  dueOf,
  endOfLease,
  NO_TABLES,
  readTables,
  type Tables,
} from "./state-checks.ts";
import { Violation, type World } from "./world.ts";

interface Absence {
  from: number;
  until: number;
  /** Sessions whose silence had been forgiven once before: the rule forgives no second time. */
  forgiven: Set<string>;
}

export class Watcher {
  readonly #world: World;
  readonly fleet: FleetChecks;
  readonly dispatch: DispatchChecks;
  readonly failures: FailureChecks;
  readonly pauses = new Pauses();
  jobs = new Map<string, JobHistory>();
  /** By job, of this generation's ends and of what a birth found in D1. */
  #files = new Map<string, FileRow[]>();
  /** By account and what: jobs ended by status, jobs made, bytes stored. */
  #known = new Map<string, number>();
  /** By batch: its jobs, also those that have left. */
  #members = new Map<string, Set<string>>();
  #lastEvent = 0;
  #lastChange = -1;
  #tables: Tables = NO_TABLES;
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
    this.fleet = new FleetChecks(world);
    this.dispatch = new DispatchChecks(world);
    this.failures = new FailureChecks(world, this.dispatch);
  }

  /** As they stood after the last transaction. */
  get tables(): Tables {
    return this.#tables;
  }

  opened(core: Core): void {
    if (!watchStorage(core)) return;
    this.fleet.opened();
    this.dispatch.opened();
    this.#tables = readTables(core);
    this.pauses.opened(this.#tables.accounts);
    this.#lastChange = -1;
    this.jobs = new Map(
      this.#tables.jobs.map((job) => [
        job.id,
        new JobHistory(job.id, job.account_id, core.epoch, job.state, job.attempt, job.attempts),
      ]),
    );
    this.#files = Map.groupBy(this.#world.d1.files(), (file) => file.job_id);
    this.#members = new Map();
    for (const job of this.#world.d1.jobs()) if (job.role !== "parent") this.#join(job.batch_id, job.id);
    this.#known = new Map();
    for (const account of this.#tables.accounts) {
      this.#known.set(`${account.id} made`, account.usage_count);
      this.#known.set(`${account.id} bytes`, account.bytes_used);
      for (const status of ["completed", "failed", "warning", "skipped"] as const) {
        const name = status[0]?.toUpperCase() + status.slice(1);
        this.#known.set(`${account.id} ${name}`, account[status]);
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
    const forgiven = this.#tables.sessions.filter(
      (session) => again || endOfLease(this.#tables, session) > session.last_seen + ttl,
    );
    this.#absences.push({ from, until, forgiven: new Set(forgiven.map((session) => session.node_id)) });
    if (!again) this.failures.edgeAway(from, until);
  }

  // --- after each transaction

  /** @param effects of the transaction; null: it has none. */
  check(core: Core, effects: Effects | null = null): void {
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
        this.#join(move.batch, move.job);
        this.#count(move.account, "made", 1);
      } else {
        this.jobs.get(move.job)?.move(move);
      }
      if (move.old !== null && move.new !== null && isTerminal(move.new)) this.#end(core, move.job, move.new);
    }
    for (const event of events) {
      if (event.id <= this.#lastEvent) throw new Violation(`event ids rise: ${event.id} after ${this.#lastEvent}`);
      this.#lastEvent = event.id;
      if (event.job !== null) this.jobs.get(event.job)?.event(event.type);
      if (event.type === "batch.completed" && event.batch !== null) this.#checkBatchEnd(core, event.batch);
    }
    for (const move of moves) this.#checkTerminal(move.job, move.new);
    for (const move of moves) if (move.new === "offered") this.#checkWhole(move.batch);
    const before = this.#tables;
    this.#tables = readTables(core);
    this.fleet.moved(moves, before, this.#tables, effects, core);
    this.fleet.stages(before, this.#tables, events);
    this.failures.moved(moves, before, this.#tables);
    for (const move of moves) if (move.new === "offered") this.#checkPolite(move.job);
    this.#checkLost(lost);
    this.#heard = Math.max(0, ...this.#tables.sessions.map((session) => session.last_seen));
    checkRows(core, this.#tables);
    checkFigures(core, this.#tables, this.#world.now);
    checkCounters(this.#tables, (account, what) => this.#known.get(`${account} ${what}`) ?? 0);
    checkBatches(this.#tables, (batch) => [...(this.#members.get(batch) ?? [])].map((job) => this.#stateOf(job)));
    checkNames(this.#tables, this.#files);
    this.#lastChange = core.sql.get<{ n: number }>("SELECT total_changes() AS n")?.n ?? 0;
  }

  #end(core: Core, job: string, state: State): void {
    const history = this.jobs.get(job);
    if (history === undefined) return;
    this.#count(history.account, apiStatus(state), 1);
    const files = core.sql.all<FileRow>("SELECT * FROM files WHERE job_id = ?", job);
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    this.#count(history.account, "bytes", bytes);
    if (files.length > 0) this.#files.set(job, files);
    const isParent = core.sql.get("SELECT 1 AS x FROM jobs WHERE id = ? AND role = 'parent'", job) !== undefined;
    if ((state === "completed" && !isParent) !== files.length > 0)
      throw new Violation(`completed has files: ${job} is ${state}`);
  }

  #count(account: string, what: string, by: number): void {
    const key = `${account} ${what}`;
    this.#known.set(key, (this.#known.get(key) ?? 0) + by);
  }

  #join(batch: string | null, job: string): void {
    if (batch === null) return;
    const members = this.#members.get(batch) ?? new Set();
    this.#members.set(batch, members.add(job));
  }

  /** Of a job that has left before this generation, as D1 has it. */
  #stateOf(job: string): State {
    const state = this.jobs.get(job)?.state ?? this.#world.d1.job(job)?.state;
    if (state === undefined) throw new Violation(`a member is somewhere: ${job}`);
    return state;
  }

  /** A create of which D1 has only a part is taken back by a rebuild: none of its jobs may have begun. */
  #checkWhole(batch: string | null): void {
    for (const job of this.#members.get(batch ?? "") ?? []) {
      if (this.#world.d1.job(job) === undefined)
        throw new Violation(`a create is handed out as a whole: D1 lacks ${job}`);
    }
  }

  /** D1 has taken a flight: that of the generation which has claimed the partition last. */
  landed(epoch: number): void {
    const claimed = this.#world.d1.epoch();
    if (claimed !== epoch) throw new Violation(`a dead generation writes nothing: ${epoch}, but ${claimed} lives`);
  }

  /** Whatever the courier is handed, D1 knows to have ended. */
  told(notices: readonly Notice[]): void {
    for (const { job_id, type } of notices) {
      const state = job_id === null ? undefined : this.#world.d1.job(job_id)?.state;
      if (job_id === null || !type.startsWith("job_") || (state !== undefined && isTerminal(state))) continue;
      throw new Violation(`only what is in D1 is told: ${type} of ${job_id}, which is ${state}`);
    }
  }

  /** `batch.completed` follows the terminal events of all its jobs and of its parent. */
  #checkBatchEnd(core: Core, batch: string): void {
    const row = core.sql.get<{ parent_job_id: string | null }>("SELECT parent_job_id FROM batches WHERE id = ?", batch);
    const all = [...(this.#members.get(batch) ?? []), ...(row?.parent_job_id ? [row.parent_job_id] : [])];
    for (const job of all) {
      const ended = this.jobs.get(job)?.hasEnded ?? isTerminal(this.#stateOf(job));
      if (!ended) throw new Violation(`a batch ends after its jobs: ${batch} before ${job}`);
    }
  }

  /** Counted when a job is handed out: one that was taken for a recording may turn out to be none later. */
  #checkPolite(id: string): void {
    const offered = this.#tables.jobs.find((job) => job.id === id);
    if (offered === undefined || offered.live === 1) return;
    const beside = this.#tables.jobs.filter(
      (job) => job.node_id === offered.node_id && job.source_host === offered.source_host && job.live === 0,
    );
    const running = beside.filter((job) => job.state === "offered" || job.state === "running").length;
    if (running > this.#world.config.maxPerHost)
      throw new Violation(`a node is polite: ${offered.node_id} runs ${running} jobs of ${offered.source_host}`);
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
    if (count.spared) this.#sparedAt = now;
    const due = dueOf({ ...this.#tables, uploads: [] });
    if (due !== null && due <= now) throw new Violation(`due work is handled: due ${due}, alarm ran at ${now}`);
  }

  // --- what clients and nodes were told

  claimed(who: NodeIdentity, job: string, token: string, call: string, claim: Claim): void {
    const holds = claim.kind !== "holder" || (claim.job.node_id === who.node && claim.job.session === who.session);
    if (!holds) throw new Violation(`an attempt is its node's alone: ${call} of ${who.node}/${who.session} for ${job}`);
    this.jobs.get(job)?.claimed(token, claim.kind, call);
    if (claim.kind === "holder") this.fleet.claimed(job);
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

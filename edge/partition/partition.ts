import { DurableObject } from "cloudflare:workers";
import { ALARM_MAX_ROWS, BARRIER_WAIT_MS, GROUP_COMMIT_WAIT_MS } from "../../shared/limits.ts";
import { drainToD1 } from "../db/drain-to-d1.ts";
import { type Env, envNumber } from "../env.ts";
import { type Log, makeLog } from "../log.ts";
import { openManagedStore } from "../storage/open-store.ts";
import { openCore } from "./birth.ts";
import { type CancelResult, cancelJob } from "./cancel.ts";
import type { Core } from "./core.ts";
import { type AccountFacts, createJobs, type NewJob, upsertAccount } from "./create.ts";
import { collectFlight, type FileRow, readCursor, retire, type Sink } from "./drain.ts";
import { Drainer } from "./drainer.ts";
import { durableSql } from "./durable-sql.ts";
import type { EventRow, JobEventData } from "./events.ts";
import type { JobRow } from "./job-row.ts";
import { NodeDesk } from "./node-desk.ts";
import { NodeSockets } from "./node-sockets.ts";
import { ProgressBoard } from "./progress-board.ts";
import { RateBuckets, type RateState } from "./rate-buckets.ts";
import { type AccountTotals, newestEventOf, readAccountTotals, readFile, readJob, resumeJob } from "./reads.ts";
import { nextDue, runDue } from "./reap.ts";
import type { NodeIdentity, SessionRow } from "./sessions.ts";
import { StorageWork } from "./storage-work.ts";
import { type Effects, resolveCore } from "./turn.ts";
import { Watch } from "./watch.ts";

/** Everything that exists once the storage is open. */
interface Open {
  core: Core;
  board: ProgressBoard;
  desk: NodeDesk;
  storage: StorageWork;
  drains: Record<Sink, Drainer>;
}

export interface JobRead {
  row: JobRow;
  files: FileRow[];
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
}

/** The route repeats nothing: it answers 503 with `Retry-After`. */
export const REBUILDING = "partition is rebuilding";
/** How long a call waits for a partition that is being opened. */
const OPEN_WAIT_MS = 2_000;
/** A drain that failed is tried again by alarm after this. */
const DRAIN_RETRY_MS = 1_000;
/** Between two looks at uploads that the store would not abort. */
const ABORT_RETRY_MS = 5_000;

/** Owns the live jobs of some accounts: queue, leases, state, names, counters, events (DESIGN section 2). */
export class Partition extends DurableObject<Env> {
  readonly #log: Log;
  readonly #sockets: NodeSockets;
  readonly #watch = new Watch();
  readonly #buckets = new RateBuckets();
  readonly #opening: Promise<Open>;
  #lastHandledAt = Date.now();
  #dueAt: number | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#log = makeLog(env);
    this.#sockets = new NodeSockets(context);
    this.#opening = this.#open();
    // A failed opening is told to each caller; the object is then started anew by the platform.
    this.#opening.catch((error: unknown) => {
      this.#log("error", "partition.open_failed", { error: String(error) });
      context.abort(REBUILDING);
    });
  }

  async #open(): Promise<Open> {
    const sql = durableSql(this.ctx.storage);
    const config = resolveCore({
      leaseTtlMs: envNumber(this.env.TRAWL_LEASE_TTL_MS, 0) || undefined,
      deadlineMs: envNumber(this.env.TRAWL_DEADLINE_MS, 0) || undefined,
      maxPending: envNumber(this.env.TRAWL_MAX_PENDING, 0) || undefined,
      maxReady: envNumber(this.env.TRAWL_MAX_PARTITION_READY, 0) || undefined,
    });
    const core = await openCore(sql, this.env.DB, this.ctx.id.name ?? this.ctx.id.toString(), config, Date.now);
    const board = ProgressBoard.load(sql);
    const store = openManagedStore(this.env);
    const follow = (effects: Effects) => this.#follow(effects);
    const storage = new StorageWork({ core, store, now: Date.now, follow, log: this.#log });
    const desk = new NodeDesk({
      core,
      board,
      watch: this.#watch,
      store,
      now: Date.now,
      follow,
      publish: (account, events) => void this.#publish(account, events),
    });
    const drains = {
      d1: this.#drainer(core, "d1", (events) => drainToD1(this.env.DB, collectFlight(sql, events))),
      stream: this.#drainer(core, "stream", (events) => this.#publishRows(core, events)),
    };
    const open: Open = { core, board, desk, storage, drains };
    queueMicrotask(() => this.#kick(open));
    return open;
  }

  #drainer(core: Core, sink: Sink, deliver: (events: readonly EventRow[]) => Promise<void>): Drainer {
    return new Drainer({
      sql: core.sql,
      sink,
      deliver,
      onAdvance: () => {
        core.sql.transaction(() => retire(core.sql, ALARM_MAX_ROWS));
        // Jobs become leasable as the D1 cursor passes their creation.
        if (sink === "d1") this.#ring(core);
      },
      onFailure: (error) => this.#log("warn", "drain.failed", { sink, error: String(error).slice(0, 300) }),
    });
  }

  /** The open partition, or an error that the route answers with 503. Marks the call as handled (late reaper rule). */
  async #ready(): Promise<Open> {
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error(REBUILDING)), OPEN_WAIT_MS));
    late.catch(() => {});
    const open = await Promise.race([this.#opening, late]);
    this.#lastHandledAt = Date.now();
    return open;
  }

  // --- clients

  /** One token from the key's bucket. Off (0): always allowed, without figures. */
  async admit(keyId: string, ratePerSecond: number): Promise<RateState | null> {
    await this.#ready();
    return ratePerSecond === 0 ? null : this.#buckets.take(keyId, ratePerSecond, Date.now());
  }

  /** Inserts jobs and waits until D1 has them: only then may the create be acknowledged. */
  async createJobs(account: AccountFacts, jobs: NewJob[]): Promise<"created" | "full" | "unavailable"> {
    const open = await this.#ready();
    const { result, effects } = open.core.run(Date.now(), Math.random, (turn) => createJobs(turn, account, jobs));
    if (result.kind === "full") return "full";
    this.#follow(effects);
    const passed = await open.drains.d1.passed(Math.max(...result.events), GROUP_COMMIT_WAIT_MS);
    return passed ? "created" : "unavailable";
  }

  async cancelJob(account: string, id: string, force: boolean): Promise<CancelResult["kind"] | "unavailable"> {
    const open = await this.#ready();
    const { result, effects } = open.core.run(Date.now(), Math.random, (turn) => cancelJob(turn, account, id, force));
    this.#follow(effects);
    if (result.kind !== "cancelled") return result.kind;
    const passed = await open.drains.d1.passed(result.event, GROUP_COMMIT_WAIT_MS);
    return passed ? "cancelled" : "unavailable";
  }

  /** The job while it lives here; null: ask D1. */
  async readJob(account: string, id: string): Promise<JobRead | null> {
    const open = await this.#ready();
    const now = Date.now();
    const found = readJob(open.core.sql, account, id);
    if (found === null) return null;
    this.#watch.read(id, now);
    const { core } = open;
    const entry = open.board.of(found.row, `${core.epoch}.${found.row.attempt}`);
    if (found.row.state === "running" && found.nodeId !== null) this.#pace(open, found.nodeId);
    return {
      row: entry === null ? found.row : { ...found.row, step: entry.step, progress: entry.progress },
      files: found.files,
      eta_seconds: entry?.eta_seconds ?? null,
      speed_bytes_per_second: entry?.speed_bytes_per_second ?? null,
    };
  }

  /** Totals for lists, after the account's events up to now are in D1 (waits at most 2 s). */
  async listBarrier(account: AccountFacts): Promise<AccountTotals> {
    const open = await this.#ready();
    open.core.run(Date.now(), Math.random, (turn) => upsertAccount(turn, account));
    const newest = newestEventOf(open.core.sql, account.id);
    if (newest !== null) await open.drains.d1.passed(newest, BARRIER_WAIT_MS);
    return readAccountTotals(open.core.sql, account.id);
  }

  async readFile(account: string, fileId: string): Promise<FileRow | null> {
    const open = await this.#ready();
    return readFile(open.core.sql, account, fileId);
  }

  /**
   * Called after a stream has subscribed: from now on the account's events are published. Returns the newest id, or what
   * was missed since `lastEventId`.
   */
  async openStream(
    account: string,
    job: string,
    lastEventId: number | null,
  ): Promise<{ newest: number; missed: JobEventData[] | null }> {
    const open = await this.#ready();
    const now = Date.now();
    open.core.sql.run("UPDATE accounts SET watched = watched + 1 WHERE id = ?", account);
    this.#watch.read(job, now);
    const newest = open.core.ids.newest(now);
    return {
      newest,
      missed:
        lastEventId === null ? null : resumeJob(open.core.sql, open.board, open.core.epoch, job, lastEventId, now),
    };
  }

  /** Sessions whose lease runs and who take work. Also wakes the object: it looks after its own due work then. */
  async nodesOnline(): Promise<number> {
    const open = await this.#ready();
    await this.#arm();
    const row = open.core.sql.get<{ n: number }>(
      "SELECT count(*) AS n FROM sessions WHERE state = 'running' AND lease_until > ?",
      Date.now(),
    );
    return row?.n ?? 0;
  }

  // --- nodes

  /** The node's socket. Only the Worker reaches this, and it has verified the session key. */
  override async fetch(request: Request): Promise<Response> {
    const open = await this.#ready();
    const who = JSON.parse(request.headers.get("x-trawl-node") ?? "null") as NodeIdentity | null;
    if (who === null || request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
    const response = this.#sockets.accept(who);
    this.#ring(open.core);
    return response;
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const open = await this.#ready();
    const who = this.#sockets.whose(socket);
    const frame = this.#sockets.parse(message);
    if (who !== null && frame?.type === "progress") open.desk.progress(who, frame.jobs);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close();
  }

  // One method a call of the fleet protocol; what each means stands with the desk.

  async nodeHeartbeat(...args: Parameters<NodeDesk["heartbeat"]>) {
    return (await this.#ready()).desk.heartbeat(...args);
  }
  async nodeLease(...args: Parameters<NodeDesk["lease"]>) {
    return (await this.#ready()).desk.lease(...args);
  }
  async nodeConfirm(...args: Parameters<NodeDesk["confirm"]>) {
    return (await this.#ready()).desk.confirm(...args);
  }
  async nodeStep(...args: Parameters<NodeDesk["step"]>) {
    return (await this.#ready()).desk.step(...args);
  }
  async nodeRelease(...args: Parameters<NodeDesk["release"]>) {
    return (await this.#ready()).desk.release(...args);
  }
  async nodeFail(...args: Parameters<NodeDesk["fail"]>) {
    return (await this.#ready()).desk.fail(...args);
  }
  async nodeComplete(...args: Parameters<NodeDesk["complete"]>) {
    return (await this.#ready()).desk.complete(...args);
  }
  async nodeExtracted(...args: Parameters<NodeDesk["extracted"]>) {
    return (await this.#ready()).desk.extracted(...args);
  }
  async nodeTicket(...args: Parameters<NodeDesk["ticket"]>) {
    return (await this.#ready()).desk.ticket(...args);
  }

  // --- time

  override async alarm(): Promise<void> {
    const dueAt = this.#dueAt ?? Date.now();
    this.#dueAt = null;
    try {
      const open = await this.#opening;
      const presence = { lastHandledAt: this.#lastHandledAt, dueAt };
      const { result, effects } = open.core.run(Date.now(), Math.random, (turn) => runDue(turn, presence));
      if (result.sessionsEnded + result.timedOut + result.spared > 0) this.#log("info", "reaper.ran", { ...result });
      this.#follow(effects);
      await open.storage.abortDoomed();
      this.#kick(open);
    } catch (error) {
      this.#log("error", "alarm.failed", { error: String(error).slice(0, 300) });
    } finally {
      // At-least-once with six retries, then gone: so it never throws, and always arms itself anew.
      await this.#arm();
    }
  }

  /** Arms the alarm for the next due work, iff there is any. */
  async #arm(): Promise<void> {
    const open = await this.#opening.catch(() => null);
    if (open === null) return;
    const now = Date.now();
    let due = open.core.run(now, Math.random, nextDue).result;
    const failing = open.drains.d1.failing || open.drains.stream.failing;
    if (failing) due = Math.min(due ?? Number.POSITIVE_INFINITY, now + DRAIN_RETRY_MS);
    if (due === null) {
      if (this.#dueAt !== null) await this.ctx.storage.deleteAlarm();
      this.#dueAt = null;
      return;
    }
    // Whole milliseconds: the platform compares the time it was given with the one it keeps. An abort that the store
    // did not take is due at once by its row; the store gets a moment.
    const at = Math.ceil(Math.max(due, now + (due <= now && hasDoomed(open.core) ? ABORT_RETRY_MS : 1)));
    if (this.#dueAt === at) return;
    this.#dueAt = at;
    await this.ctx.storage.setAlarm(at);
  }

  /** Does what a transaction asked for. Nothing here may be needed for correctness: cursors and alarms repeat it. */
  #follow(effects: Effects): void {
    this.ctx.waitUntil(this.#followAll(effects));
  }

  async #followAll(effects: Effects): Promise<void> {
    const open = await this.#opening;
    for (const kill of effects.kills) {
      open.board.forget(kill.job);
      this.#sockets.send(kill.node, { type: "kill", attempts: [{ job: kill.job, token: kill.token }] });
    }
    this.#kick(open);
    if (effects.ring) this.#ring(open.core);
    await this.#arm();
    await Promise.all([
      ...effects.commit.map((job) => open.storage.commit(job)),
      ...(effects.abort ? [open.storage.abortDoomed()] : []),
    ]);
    if (effects.commit.length > 0) await this.#arm();
  }

  #kick(open: Open): void {
    this.ctx.waitUntil(
      Promise.all([open.drains.d1.kick(), open.drains.stream.kick()]).then(() =>
        open.drains.d1.failing || open.drains.stream.failing ? this.#arm() : undefined,
      ),
    );
  }

  /** A hint to nodes with room, when there is work that D1 already knows. */
  #ring(core: Core): void {
    const ready = core.sql.get(
      "SELECT 1 AS x FROM jobs WHERE state = 'queued' AND create_event <= ? LIMIT 1",
      readCursor(core.sql, "d1"),
    );
    if (ready === undefined) return;
    const sessions = core.sql.all<SessionRow>(
      "SELECT * FROM sessions WHERE state = 'running' AND lease_until > ?",
      Date.now(),
    );
    this.#sockets.ring(sessions);
  }

  /** Tells a node to report faster, if it does not know yet. */
  #pace(open: Open, node: string): void {
    const { progress_ms } = open.desk.intervals(true);
    if (this.#watch.tell(node, progress_ms)) this.#sockets.send(node, { type: "pace", progress_ms });
  }

  async #publishRows(core: Core, events: readonly EventRow[]): Promise<void> {
    const byAccount = Map.groupBy(
      events.filter((event) => event.data !== null),
      (event) => event.account_id,
    );
    for (const [account, rows] of byAccount) {
      const data = rows.map((row) => JSON.parse(row.data ?? "{}") as JobEventData);
      await this.#publish(account, data, core);
    }
  }

  /** Sends events to the account's streams; when none is open any more, the next events are not sent at all. */
  async #publish(account: string, events: JobEventData[], core?: Core): Promise<void> {
    const { sql } = core ?? (await this.#opening).core;
    const watched = sql.get<{ watched: number }>("SELECT watched FROM accounts WHERE id = ?", account)?.watched ?? 0;
    if (watched === 0) return;
    const open = await this.env.EVENT_STREAM.getByName(account).publish(events);
    // A stream may have subscribed while we were away: then `watched` has grown, and this must not undo it.
    if (open === 0) sql.run("UPDATE accounts SET watched = 0 WHERE id = ? AND watched = ?", account, watched);
  }
}

function hasDoomed(core: Core): boolean {
  return core.sql.get("SELECT 1 AS x FROM uploads WHERE doomed_at IS NOT NULL LIMIT 1") !== undefined;
}

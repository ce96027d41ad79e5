/**
 * The workings of a partition around its core: drains to the sinks, the alarm, the sockets, the work on the store. It does
 * what the transactions ask for; nothing here may be needed for correctness, because cursors and alarms repeat it.
 */
import { ALARM_MAX_ROWS, MAX_PER_HOST } from "../../shared/limits.ts";
import { checkUrl } from "../../shared/url-guard.ts";
import { everyPartition } from "../auth/choose-partition.ts";
import { openNodeSecrets } from "../auth/job-secrets.ts";
import { secretBoxOf } from "../auth/secret-box.ts";
import { signerOf } from "../auth/signing.ts";
import { sendPartitionNotices } from "../courier/send-partition-notices.ts";
import { drainToD1 } from "../db/drain-to-d1.ts";
import { isSuperseded } from "../db/generation.ts";
import { type Env, envNumber, urlPolicy } from "../env.ts";
import { errorText, type Log, traceField } from "../log.ts";
import { relayUrl } from "../storage/relay-grant.ts";
import { AdminDesk } from "./admin-desk.ts";
import { batchEventData } from "./batch-events.ts";
import type { BatchRow } from "./batches.ts";
import { Bell } from "./bell.ts";
import { openCore } from "./birth.ts";
import { Calls } from "./calls.ts";
import { ClientDesk } from "./client-desk.ts";
import type { Core } from "./core.ts";
import { collectFlight, flightLanded, generationOf, retire, SINKS, type Sink } from "./drain.ts";
import { Drainer } from "./drainer.ts";
import { durableSql } from "./durable-sql.ts";
import type { EventRow } from "./events.ts";
import { jobStores } from "./job-stores.ts";
import { NodeDesk } from "./node-desk.ts";
import { NodeNotes } from "./node-notes.ts";
import type { NodeSockets } from "./node-sockets.ts";
import { Presence } from "./presence.ts";
import { ProgressBoard } from "./progress-board.ts";
import { nextDue, runDue } from "./reap.ts";
import type { PublicEvent } from "./resume.ts";
import { StorageWork } from "./storage-work.ts";
import { type AttemptChange, type Effects, resolveCore } from "./turn.ts";
import { Watch } from "./watch.ts";

/** A drain that failed is tried again by alarm after this. */
const DRAIN_RETRY_MS = 1_000;
/** Progress of a batch reaches its streams this long after a member ended. */
const BATCH_PROGRESS_MS = 1_000;
/** The store is working on what is due: looked at again after this. */
const STORE_BUSY_MS = 1_000;

export interface EngineDeps {
  context: DurableObjectState;
  env: Env;
  sockets: NodeSockets;
  log: Log;
}

function nameOf(context: DurableObjectState): string {
  return context.id.name ?? context.id.toString();
}

export class Engine {
  readonly core: Core;
  readonly board: ProgressBoard;
  readonly desk: NodeDesk;
  readonly clients: ClientDesk;
  readonly admin: AdminDesk;
  readonly calls: Calls;
  readonly bell: Bell;
  readonly watch = new Watch();
  readonly presence: Presence;
  readonly #deps: EngineDeps;
  readonly #storage: StorageWork;
  readonly #drains: Record<Sink, Drainer>;
  readonly #notes: NodeNotes;
  readonly #batchTimers = new Map<string, ReturnType<typeof setTimeout>>();
  #dueAt: number | null = null;
  /** What ended up to this event has left. */
  #retiredTo = 0;

  /** Opens the storage; an empty one is born, and rebuilt from D1 if it lived before. */
  static async open(deps: EngineDeps): Promise<Engine> {
    const { context, env } = deps;
    const config = resolveCore({
      leaseTtlMs: envNumber(env.TRAWL_LEASE_TTL_MS, 0) || undefined,
      deadlineMs: envNumber(env.TRAWL_DEADLINE_MS, 0) || undefined,
      maxPending: envNumber(env.TRAWL_MAX_PENDING, 0) || undefined,
      maxReady: envNumber(env.TRAWL_MAX_PARTITION_READY, 0) || undefined,
      maxPerHost: envNumber(env.TRAWL_MAX_PER_HOST, MAX_PER_HOST),
    });
    const core = await openCore(durableSql(context.storage), env.DB, nameOf(context), config, Date.now);
    const engine = new Engine(deps, core);
    queueMicrotask(() => {
      engine.kick();
      engine.#tellNotes();
    });
    return engine;
  }

  private constructor(deps: EngineDeps, core: Core) {
    const { context, env, sockets, log } = deps;
    this.#deps = deps;
    const partition = nameOf(context);
    this.core = core;
    this.presence = new Presence(Date.now(), core.config.leaseTtlMs);
    this.board = ProgressBoard.load(core.sql);
    const open = jobStores(core.sql, env);
    const now = Date.now;
    const follow = (effects: Effects) => this.follow(effects);
    const pace = (node: string) => this.#pace(node);
    const room = (node: string, free: boolean) => this.bell.note(node, free);
    this.bell = new Bell(
      {
        ready: () => core.figures.startable,
        send: (node) => sockets.send(node, { type: "ring" }),
        later: (work, ms) => void setTimeout(work, ms),
      },
      Bell.nodesOf(core.sql, now()),
    );
    const { board, watch } = this;
    this.#storage = new StorageWork({ core, open, box: () => secretBoxOf(env), now, follow, log });
    this.#drains = {
      d1: this.#drainer("d1", (events) => this.#writeToD1(events)),
      stream: this.#drainer("stream", (events) => this.#publishRows(events)),
      courier: this.#drainer("courier", (events) => sendPartitionNotices(env, core.sql, events)),
    };
    const d1 = this.#drains.d1;
    this.#notes = this.#nodeNotes(partition);
    this.desk = new NodeDesk({
      core,
      board,
      watch,
      open,
      relayUrl: (origin, grant) => relayUrl(signerOf(env), origin, { ...grant, partition }),
      now,
      follow,
      pace,
      room,
      acceptsUrl: (url) => checkUrl(url, urlPolicy(env)).ok,
      openSecrets: (account, sealed) => openNodeSecrets(secretBoxOf(env), account, sealed),
      publish: (account, events) => void this.#publishProgress(account, events),
    });
    this.clients = new ClientDesk({ core, board, watch, d1, now, follow, pace });
    this.admin = new AdminDesk({ core, board, d1, now, follow, room });
    this.calls = new Calls({
      sql: core.sql,
      now,
      newId: () => crypto.randomUUID(),
      send: (node, frame) => sockets.send(node, frame),
    });
  }

  #nodeNotes(partition: string): NodeNotes {
    const { env, log } = this.#deps;
    return new NodeNotes({
      sql: this.core.sql,
      db: env.DB,
      now: Date.now,
      others: async () => (await everyPartition(env)).filter((name) => name !== partition),
      tell: async (name, standings) => env.PARTITION.getByName(name).adminTakeStandings(standings),
      take: (standings) => this.admin.takeStandings(standings),
      onFailure: (error) => log("warn", "node.fault_untold", { error: errorText(error) }),
      onQuarantine: ({ node, quarantine }) => log("warn", "node.quarantined", { node, reason: quarantine }),
    });
  }

  #drainer(sink: Sink, deliver: (events: readonly EventRow[]) => Promise<void>): Drainer {
    const { sql, ids } = this.core;
    return new Drainer({
      sql,
      ids,
      sink,
      // Nobody is told by webhook what D1 does not have.
      border: () => (sink === "courier" ? this.#drains.d1.cursor : Number.MAX_SAFE_INTEGER),
      deliver,
      onAdvance: () => {
        this.#retire();
        if (sink !== "d1") return;
        // Jobs become leasable as the D1 cursor passes their creation, and the courier may tell what D1 has.
        this.bell.ring();
        this.#deps.context.waitUntil(this.#drains.courier.kick());
      },
      onFailure: (error) => {
        this.#deps.log("warn", "drain.failed", { sink, error: errorText(error) });
        if (isSuperseded(error)) this.#deps.context.waitUntil(this.#giveWay());
      },
    });
  }

  /** After the last sink has taken an event, not after each; and again where one pass was not enough. */
  #retire(): void {
    const { sql } = this.core;
    const passed = Math.min(...SINKS.map((each) => this.#drains[each].cursor));
    if (passed <= this.#retiredTo) return;
    const retired = sql.transaction(() => retire(sql, ALARM_MAX_ROWS));
    if (retired < ALARM_MAX_ROWS) this.#retiredTo = passed;
  }

  async #writeToD1(events: readonly EventRow[]): Promise<void> {
    const { core } = this;
    const flight = collectFlight(core.sql, events);
    const generation = generationOf(core, events, (sink) => this.#drains[sink].cursor);
    await drainToD1(this.#deps.env.DB, flight, generation);
    flightLanded(core.sql, flight);
  }

  /**
   * D1 knows a later generation than this storage is of: it was put back from a copy, say. Nothing that happens here can
   * reach D1 any more, so the storage goes, and the object is born again from what D1 has.
   */
  async #giveWay(): Promise<void> {
    const { context, log } = this.#deps;
    log("error", "partition.superseded", { epoch: this.core.epoch });
    await context.storage.deleteAll();
    context.abort("a later generation of this partition has lived");
  }

  /** The alarm's work. Never throws, and always arms itself anew: the platform retries six times and then forgets. */
  async runDue(): Promise<void> {
    const { log, context } = this.#deps;
    try {
      // After an eviction the alarm's own time is forgotten; what is due tells how late this run is.
      const now = Date.now();
      const dueAt = this.#dueAt ?? Math.min(this.core.run(now, Math.random, nextDue).result ?? now, now);
      this.#dueAt = null;
      const presence = this.presence.at(dueAt);
      const { result, effects } = this.core.run(Date.now(), Math.random, (turn) => runDue(turn, presence));
      const untold = this.#notes.retryAt;
      if (untold !== null && untold <= now) this.#tellNotes();
      if (result.spared || result.sessionsEnded + result.timedOut > 0) log("info", "reaper.ran", { ...result });
      this.follow(effects);
      // Not awaited: a store that hangs must not hold up leases and back-offs, which this alarm looks after too.
      context.waitUntil(this.#storage.abortDoomed());
      this.kick();
    } catch (error) {
      log("error", "alarm.failed", { error: errorText(error) });
    } finally {
      await this.arm();
    }
  }

  get #failing(): boolean {
    return SINKS.some((sink) => this.#drains[sink].failing);
  }

  /** Arms the alarm for the next due work, iff there is any. */
  async arm(): Promise<void> {
    const { storage } = this.#deps.context;
    const now = Date.now();
    let due = this.core.run(now, Math.random, nextDue).result;
    if (this.#failing) due = Math.min(due ?? Number.POSITIVE_INFINITY, now + DRAIN_RETRY_MS);
    if (this.#notes.retryAt !== null) due = Math.min(due ?? Number.POSITIVE_INFINITY, this.#notes.retryAt);
    if (due === null) {
      if (this.#dueAt !== null) await storage.deleteAlarm();
      this.#dueAt = null;
      return;
    }
    // Whole milliseconds: the platform compares the time it was given with the one it keeps. What the store is working
    // on stays due by its row until it answers; that is looked at again in a moment, not a thousand times in it.
    const at = Math.ceil(Math.max(due, now + (due <= now && this.#storage.isBusy ? STORE_BUSY_MS : 1)));
    // An alarm is only ever brought forward: each heartbeat arms anew, and would put off for ever one that is counted
    // from now. One that comes too early finds nothing due and arms the next.
    if (this.#dueAt !== null && this.#dueAt > now && this.#dueAt <= at) return;
    this.#dueAt = at;
    await storage.setAlarm(at);
  }

  /** Does what a transaction asked for. */
  follow(effects: Effects): void {
    this.#deps.context.waitUntil(this.#followAll(effects));
  }

  async #followAll(effects: Effects): Promise<void> {
    for (const kill of effects.kills) {
      this.board.forget(kill.job);
      this.#deps.sockets.send(kill.node, { type: "kill", attempts: [{ job: kill.job, token: kill.token }] });
    }
    for (const change of effects.attempts) this.#tellAttempt(change);
    for (const batch of effects.batches) this.#tellBatch(batch);
    this.kick();
    if (effects.ring) this.bell.ring();
    if (effects.notes) this.#tellNotes();
    for (const node of effects.again) this.bell.again(node);
    await this.arm();
    await Promise.all([
      ...effects.commit.map((job) => this.#storage.commit(job)),
      ...(effects.abort ? [this.#storage.abortDoomed()] : []),
    ]);
    if (effects.commit.length > 0) await this.arm();
  }

  /** The node's own lines of the attempt bear the same ids. */
  #tellAttempt({ job, token, node, outcome, state, traceparent }: AttemptChange): void {
    const ids = { job, attempt: token, node, ...traceField(traceparent) };
    if (outcome === null) this.#deps.log("debug", "attempt.started", ids);
    else this.#deps.log("info", "attempt.ended", { ...ids, outcome, state });
  }

  /** What was seen of nodes goes to D1 and the other partitions; those that did not hear are told again by alarm. */
  #tellNotes(): void {
    this.#deps.context.waitUntil(
      this.#notes.kick().then(() => (this.#notes.retryAt === null ? undefined : this.arm())),
    );
  }

  /** Starts a flight to each sink that has none under way. */
  kick(): void {
    const flights = SINKS.map((sink) => this.#drains[sink].kick());
    this.#deps.context.waitUntil(Promise.all(flights).then(() => (this.#failing ? this.arm() : undefined)));
  }

  /** A member of a batch ended: its streams hear of it, at most once a second, the last change included. */
  #tellBatch(id: string): void {
    if (this.#batchTimers.has(id)) return;
    const timer = setTimeout(() => {
      this.#batchTimers.delete(id);
      const { sql, ids } = this.core;
      const batch = sql.get<BatchRow>("SELECT * FROM batches WHERE id = ? AND finished_at IS NULL", id);
      if (batch === undefined) return;
      const now = Date.now();
      void this.#publishProgress(batch.account_id, [batchEventData(batch, ids.next(now), "batch.progress", now)]);
    }, BATCH_PROGRESS_MS);
    this.#batchTimers.set(id, timer);
  }

  /** Tells a node to report faster, if it does not know yet. */
  #pace(node: string): void {
    const { progress_ms } = this.desk.intervals(true);
    if (this.watch.tell(node, progress_ms)) this.#deps.sockets.send(node, { type: "pace", progress_ms });
  }

  async #publishRows(events: readonly EventRow[]): Promise<void> {
    const byAccount = Map.groupBy(
      events.filter((event) => event.data !== null && !event.type.startsWith(".")),
      (event) => event.account_id,
    );
    // Side by side: one account's many streams must not hold up those of another.
    await Promise.all(
      [...byAccount].map(([account, rows]) =>
        this.#publish(
          account,
          rows.map((row) => JSON.parse(row.data ?? "{}") as PublicEvent),
        ),
      ),
    );
  }

  /**
   * Progress has ids and no rows, so it goes around the drain. It must not overtake rows with lower ids that are still on
   * their way: a stream that has seen a higher id takes them for old, and a job's end would be lost to it.
   */
  async #publishProgress(account: string, events: PublicEvent[]): Promise<void> {
    const { stream } = this.#drains;
    try {
      await stream.kick();
      // While it fails the rows wait for the alarm. Progress may be lost: the next one tells as much.
      if (!stream.failing) await this.#publish(account, events);
    } catch (error) {
      this.#deps.log("warn", "progress.lost", { account, error: errorText(error) });
    }
  }

  /** Sends events to the account's streams; when none is open any more, the next events are not sent at all. */
  async #publish(account: string, events: PublicEvent[]): Promise<void> {
    const { sql } = this.core;
    const watched = sql.get<{ watched: number }>("SELECT watched FROM accounts WHERE id = ?", account)?.watched ?? 0;
    if (watched === 0) return;
    const open = await this.#deps.env.EVENT_STREAM.getByName(account).publish(events);
    // A stream may have subscribed while we were away: then `watched` has grown, and this must not undo it.
    if (open === 0) sql.run("UPDATE accounts SET watched = 0 WHERE id = ? AND watched = ?", account, watched);
  }
}

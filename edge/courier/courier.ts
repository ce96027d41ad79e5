import { DurableObject } from "cloudflare:workers";
import { secretBoxOf } from "../auth/secret-box.ts";
import { findDelivery } from "../db/deliveries.ts";
import { type Env, urlPolicy } from "../env.ts";
import { errorText, type Log, makeLog } from "../log.ts";
import { durableSql } from "../partition/durable-sql.ts";
import type { Sql } from "../partition/sql.ts";
import { redactText } from "../redact.ts";
import { resealObject } from "../seals/object-tables.ts";
import type { SealPage } from "../seals/plan.ts";
import { fromLog, toDelivery } from "./deliveries.ts";
import { hasUnlogged, nextPrune, pruneLog, writeLog } from "./delivery-log.ts";
import { Flights, SLOW_TRY_MS } from "./flights.ts";
import type { Notice } from "./notice.ts";
import {
  beginTry,
  type Candidate,
  type Delivery,
  dueCandidates,
  earliestDue,
  forceTry,
  getDelivery,
  insertDelivery,
  knownIds,
  releaseBatch,
  restoreBytes,
} from "./outbox.ts";
import { recordTry, type TryOutcome } from "./record-try.ts";
import { getMeta, openSchema, setMeta } from "./schema.ts";
import { COURIER_SEALS } from "./seals.ts";
import { tryDelivery } from "./try-delivery.ts";

/** A receiver has so long to answer (jobs API 8.2). */
const TRY_TIMEOUT_MS = 30_000;
/** While tries are under way an alarm stands this long after their end: should the object die, it makes them again. */
const GUARD_MS = 10_000;
/** D1 did not take the log: the next look at it. */
const LOG_RETRY_MS = 5_000;

/** What comes from outside: time, chance, patience. Tests put their own in its place. */
export interface CourierWorld {
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  timeoutMs: number;
}

/**
 * Sends the webhooks and notices of one account (jobs API 8, 9.3). What it accepted it holds until each was delivered or
 * its ladder ended; the log that clients read is in D1.
 *
 * The alarm starts what is due and returns; tries run beside it, so that one that hangs keeps no alarm from firing.
 */
export class Courier extends DurableObject<Env> {
  world: CourierWorld = { now: Date.now, random: Math.random, timeoutMs: TRY_TIMEOUT_MS };
  readonly #sql: Sql;
  readonly #log: Log;
  readonly #flights = new Flights();
  readonly #work = new Set<Promise<void>>();
  #queue: Candidate[] = [];
  #housekeeping = false;
  #retryAt: number | null = null;
  #alarmAt: number | null = null;
  /** Something new is there: the alarm must not be put off past this. */
  #kickAt: number | null = null;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#log = makeLog(env);
    this.#sql = durableSql(context.storage);
    openSchema(this.#sql);
  }

  /**
   * Takes notices over; once it returns they will be sent. A notice that is known already is left as it is, so a repeat is
   * harmless. Returns how many were new.
   */
  async accept(account: string, notices: readonly Notice[]): Promise<number> {
    const known = knownIds(
      this.#sql,
      notices.map((notice) => notice.id),
    );
    const now = this.world.now();
    const box = secretBoxOf(this.env);
    const fresh = await Promise.all(
      notices.filter((notice) => !known.has(notice.id)).map((notice) => toDelivery(notice, box, account, now)),
    );
    this.#sql.transaction(() => {
      setMeta(this.#sql, "account", account);
      for (const delivery of fresh) insertDelivery(this.#sql, delivery);
      const waiting = fresh.filter((delivery) => delivery.due_at === null).map((delivery) => delivery.batch_id);
      for (const batch of new Set(waiting)) if (batch !== null) releaseBatch(this.#sql, batch, now);
    });
    if (fresh.length > 0) this.#kickAt = now;
    await this.#arm();
    return fresh.length;
  }

  /** One try at once with the stored bytes and the same id, in any state. False: the account has no such webhook. */
  async redeliver(account: string, id: string): Promise<boolean> {
    if ((getDelivery(this.#sql, id)?.sealed_body ?? null) === null && !(await this.#fetchBytes(account, id)))
      return false;
    if (getDelivery(this.#sql, id)?.channel !== "webhook") return false;
    const now = this.world.now();
    setMeta(this.#sql, "account", account);
    forceTry(this.#sql, id, now);
    this.#kickAt = now;
    await this.#arm();
    return true;
  }

  /** Moves a page of its sealed records to the first key (`sweep/seals.ts`). */
  async reseal(cursor: string): Promise<SealPage> {
    return resealObject(this.#sql, secretBoxOf(this.env), COURIER_SEALS, cursor);
  }

  async #fetchBytes(account: string, id: string): Promise<boolean> {
    const stored = await findDelivery(this.env.DB, account, id);
    if (stored === null) return false;
    insertDelivery(this.#sql, await fromLog(stored, secretBoxOf(this.env)));
    restoreBytes(this.#sql, id, stored.sealed_url, stored.sealed_body);
    return true;
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    this.#kickAt = null;
    try {
      this.runOnce();
    } catch (error) {
      this.#log("error", "courier.failed", { error: errorText(error) });
    } finally {
      // At-least-once with six retries, then gone: so it never throws, and always arms itself anew.
      await this.#arm();
    }
  }

  /** Starts what is due and has room, and brings the log up to date. Returns how many tries it started. */
  runOnce(): number {
    const started = this.#startDue();
    this.#housekeep();
    return started;
  }

  /** Resolves once nothing is under way: what tests wait for instead of sleeping. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #startDue(): number {
    const account = getMeta(this.#sql, "account");
    if (account === null) return 0;
    let started = 0;
    let looked = false;
    while (!this.#flights.full) {
      const at = this.#queue.findIndex(({ target }) => this.#flights.mayStart(target));
      if (at === -1) {
        if (looked) break;
        looked = true;
        this.#queue = dueCandidates(this.#sql, this.#flights.ids, this.world.now());
        continue;
      }
      const [candidate] = this.#queue.splice(at, 1);
      if (candidate === undefined || this.#flights.has(candidate.id)) continue;
      const delivery = beginTry(this.#sql, candidate.id, this.world.now());
      if (delivery === null) continue;
      this.#flights.start(delivery.id, delivery.target);
      this.#keep(this.#fly(account, delivery));
      started += 1;
    }
    return started;
  }

  async #fly(account: string, delivery: Delivery): Promise<void> {
    const began = Date.now();
    const outcome = await this.#try(account, delivery);
    const timedOut = outcome.kind === "unanswered" && outcome.error === "timeout";
    this.#flights.end(delivery.id, timedOut || Date.now() - began >= SLOW_TRY_MS);
    const after = recordTry(this.#sql, delivery.id, outcome, this.world.now(), this.world.random);
    if (after !== null && after.status !== "pending") this.#tell(after);
    this.runOnce();
    await this.#arm();
  }

  async #try(account: string, delivery: Delivery): Promise<TryOutcome> {
    try {
      return await tryDelivery(delivery, {
        db: this.env.DB,
        box: secretBoxOf(this.env),
        account,
        policy: urlPolicy(this.env),
        timeoutMs: this.world.timeoutMs,
        now: this.world.now,
      });
    } catch (error) {
      this.#log("warn", "delivery.deferred", { delivery: delivery.id, error: errorText(error) });
      return { kind: "deferred" };
    }
  }

  #tell(ended: Delivery): void {
    this.#log(ended.status === "failed" ? "warn" : "info", "delivery.ended", {
      delivery: ended.id,
      channel: ended.channel,
      type: ended.type,
      status: ended.status,
      attempts: ended.attempts,
      error: ended.last_error === null ? null : redactText(ended.last_error),
    });
  }

  /** One at a time; what changes meanwhile is seen at its end. */
  #housekeep(): void {
    if (this.#housekeeping) return;
    this.#housekeeping = true;
    this.#keep(this.#logAndPrune());
  }

  async #logAndPrune(): Promise<void> {
    try {
      const account = getMeta(this.#sql, "account");
      if (account === null) return;
      await writeLog(this.#sql, this.env.DB, account);
      await pruneLog(this.#sql, this.env.DB, account, this.world.now());
      this.#retryAt = null;
    } catch (error) {
      this.#retryAt = this.world.now() + LOG_RETRY_MS;
      this.#log("warn", "delivery.log_failed", { error: errorText(error) });
    } finally {
      this.#housekeeping = false;
    }
    if (this.#retryAt === null && hasUnlogged(this.#sql)) this.#housekeep();
    await this.#arm();
  }

  #keep(work: Promise<void>): void {
    const kept = work
      .catch((error) => this.#log("error", "courier.failed", { error: errorText(error) }))
      .finally(() => this.#work.delete(kept));
    this.#work.add(kept);
    this.ctx.waitUntil(kept);
  }

  /** Arms the alarm for the next thing to do, iff there is any. */
  async #arm(): Promise<void> {
    const now = this.world.now();
    const flying = this.#flights.size > 0;
    // Coarse, so that not each try moves the alarm.
    const guard = Math.ceil((now + this.world.timeoutMs + GUARD_MS) / GUARD_MS) * GUARD_MS;
    const wishes = [
      this.#kickAt,
      // What is due but found no room starts when a try ends.
      earliestDue(this.#sql, flying ? now : -1),
      flying || this.#housekeeping ? guard : null,
      this.#housekeeping ? null : (this.#retryAt ?? nextPrune(this.#sql)),
    ].filter((wish) => wish !== null);
    const at = wishes.length === 0 ? null : Math.ceil(Math.min(...wishes));
    if (at === this.#alarmAt) return;
    this.#alarmAt = at;
    try {
      await (at === null ? this.ctx.storage.deleteAlarm() : this.ctx.storage.setAlarm(at));
    } catch (error) {
      this.#alarmAt = null;
      throw error;
    }
  }
}

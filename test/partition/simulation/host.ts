/**
 * The object around the core, as `edge/partition/partition.ts` is: what is in memory is lost at each eviction, what is in
 * storage stays, and everything that a transaction asks for may be lost.
 */
import type { Core } from "../../../edge/partition/core.ts";
import { Presence } from "../../../edge/partition/presence.ts";
import { ProgressBoard } from "../../../edge/partition/progress-board.ts";
import type { Effects, Turn } from "../../../edge/partition/turn.ts";
import { type NodeSql, nodeSql } from "../node-sql.ts";
import { Drains } from "./drains.ts";
import { StorageDesk } from "./storage-desk.ts";
import type { Watcher } from "./watcher.ts";
import { PARTITION, type World } from "./world.ts";

const OPEN_RETRY_MS = 1_000;
const DRAIN_RETRY_MS = 1_000;
const STORE_BUSY_MS = 1_000;

/** Where frames go: to nodes that listen. */
export interface Wire {
  ring(): void;
  kill(node: string, job: string, token: string): void;
}

export class Host {
  readonly world: World;
  readonly watcher: Watcher;
  readonly #wire: Wire;
  #sql: NodeSql = nodeSql();
  #core: Core | null = null;
  board = new ProgressBoard();
  drains: Drains;
  storage: StorageDesk;
  /** Raised by each start of the object: what an older one had under way is void. */
  #life = 0;
  #frozenUntil = 0;
  #presence: Presence;
  /** In memory, read back from the alarm when the object starts. */
  #dueAt: number | null = null;
  /** In storage. */
  #alarmAt: number | null = null;
  #alarmSerial = 0;
  #opening = false;
  wipes = 0;

  constructor(world: World, watcher: Watcher, wire: Wire) {
    this.world = world;
    this.watcher = watcher;
    this.#wire = wire;
    this.#presence = new Presence(world.now, world.config.leaseTtlMs);
    this.drains = new Drains(this);
    this.storage = new StorageDesk(this);
  }

  get core(): Core {
    if (this.#core === null) throw new Error("the object is not open");
    return this.#core;
  }

  /** Which start of the object this is. */
  get life(): number {
    return this.#life;
  }

  get isUp(): boolean {
    return this.#core !== null;
  }

  get #isAwake(): boolean {
    return this.#core !== null && this.world.now >= this.#frozenUntil;
  }

  // --- its life

  /** Starts the object on its storage; a rebuild that fails is tried again, as the platform starts it anew. */
  async start(): Promise<void> {
    if (this.#core !== null || this.#opening) return;
    const { world } = this;
    const life = ++this.#life;
    this.#opening = true;
    this.#presence = new Presence(world.now, world.config.leaseTtlMs);
    this.#dueAt = this.#alarmAt;
    world.d1.statementsLeft = world.random.chance(world.weather.rebirthFails)
      ? world.random.below(12)
      : Number.POSITIVE_INFINITY;
    world.d1.beforeStatement = async () => {
      const flight = world.random.chance(0.3) ? [...world.inAir][0] : undefined;
      await flight?.();
    };
    try {
      const core = await world.api.openCore(this.#sql, world.d1, PARTITION, world.config, () => world.now);
      if (life !== this.#life) return;
      this.#core = core;
    } catch (error) {
      world.note(`open failed: ${String(error)}`);
      if (String(error) !== "Error: D1 is away") throw error;
      world.timeline.in(OPEN_RETRY_MS, () => this.start());
      return;
    } finally {
      this.#opening = false;
      world.d1.statementsLeft = Number.POSITIVE_INFINITY;
      world.d1.beforeStatement = async () => {};
    }
    world.note(`open, epoch ${this.core.epoch}`);
    this.board = ProgressBoard.load(this.#sql);
    this.drains = new Drains(this);
    this.storage = new StorageDesk(this);
    this.watcher.opened(this.core);
    this.drains.kick();
    if (this.#alarmAt !== null) this.#schedule(this.#alarmAt);
    else this.arm();
  }

  /** The process ends; storage and alarm stay. */
  stop(): void {
    this.#core = null;
    this.#life++;
    this.#alarmSerial++;
    this.#frozenUntil = 0;
  }

  evict(): void {
    if (!this.#isAwake) return;
    this.world.note("evicted");
    this.stop();
    this.world.timeline.in(5, () => this.start());
  }

  /** The process is gone for a while and then starts again. */
  away(ms: number): void {
    if (!this.#isAwake) return;
    this.world.note(`away for ${ms}`);
    this.watcher.edgeAway(this.world.now, this.world.now + ms, "restarted");
    this.stop();
    this.world.timeline.in(ms, () => this.start());
  }

  /** The process stands still and then goes on where it was. */
  freeze(ms: number): void {
    if (!this.#isAwake) return;
    this.world.note(`frozen for ${ms}`);
    this.watcher.edgeAway(this.world.now, this.world.now + ms, "stood still");
    this.#frozenUntil = this.world.now + ms;
  }

  /** The storage is gone, and the alarm with it: the next start is a birth. */
  wipe(): void {
    if (!this.#isAwake) return;
    this.world.note("wiped");
    this.wipes++;
    this.watcher.wiped(this.#sql);
    this.stop();
    this.#alarmAt = null;
    this.#sql.close();
    this.#sql = nodeSql();
    this.world.timeline.in(this.world.random.ms(5, 3_000), () => this.start());
  }

  /** A `later` that is void once this life of the object has ended, and waits while it is frozen. */
  get thisLife(): (ms: number, run: () => void) => void {
    const life = this.#life;
    return (ms, run) => {
      const resume = (): void => {
        if (life !== this.#life || this.#core === null) return;
        if (this.world.now >= this.#frozenUntil) run();
        else this.world.timeline.at(this.#frozenUntil + this.world.random.ms(0, 50), resume);
      };
      this.world.timeline.in(ms, resume);
    };
  }

  later(ms: number, run: () => void): void {
    this.thisLife(ms, run);
  }

  /** A request has arrived. `refuse` when nobody listens. */
  handle(serve: () => void, refuse: () => void): void {
    if (this.#core === null) {
      refuse();
      return;
    }
    if (this.world.now < this.#frozenUntil) {
      this.later(0, () => this.handle(serve, refuse));
      return;
    }
    this.#presence.handled(this.world.now);
    serve();
  }

  // --- one transaction

  turn<Result>(body: (turn: Turn) => Result): Result {
    const { world } = this;
    const { result, effects } = this.core.run(world.now, world.random.unit, body);
    this.watcher.check(this.core, effects);
    this.#follow(effects);
    return result;
  }

  /** A transaction of the drains, which brings no effects. */
  tidy(body: () => void): void {
    this.core.sql.transaction(body);
    this.watcher.check(this.core);
  }

  #follow(effects: Effects): void {
    for (const kill of effects.kills) {
      this.board.forget(kill.job);
      this.#wire.kill(kill.node, kill.job, kill.token);
    }
    this.drains.kick();
    if (effects.ring) this.ring();
    this.arm();
    for (const job of effects.commit) this.storage.commit(job);
    if (effects.abort) this.storage.abortDoomed();
  }

  ring(): void {
    this.#wire.ring();
  }

  // --- time

  /** Arms the alarm for the next due work, iff there is any. */
  arm(): void {
    const { world, core } = this;
    let due = core.run(world.now, world.random.unit, world.api.nextDue).result;
    this.watcher.checkDue(core, due);
    if (this.drains.failing) due = Math.min(due ?? Number.POSITIVE_INFINITY, world.now + DRAIN_RETRY_MS);
    if (due === null) {
      this.#alarmAt = null;
      this.#dueAt = null;
      this.#alarmSerial++;
      return;
    }
    const at = Math.ceil(Math.max(due, world.now + (due <= world.now && this.storage.isBusy ? STORE_BUSY_MS : 1)));
    // Only ever brought forward: one that comes too early finds nothing due and arms the next.
    if (this.#dueAt !== null && this.#dueAt > world.now && this.#dueAt <= at) return;
    this.#dueAt = at;
    this.#alarmAt = at;
    this.#schedule(at);
  }

  #schedule(at: number): void {
    const { timeline, random, weather } = this.world;
    const serial = ++this.#alarmSerial;
    const late = random.chance(weather.alarmLate) ? random.ms(0, 90_000) : 0;
    timeline.at(Math.max(at, timeline.now) + late, () => {
      if (serial !== this.#alarmSerial) return;
      this.later(0, () => {
        if (serial === this.#alarmSerial) this.#alarm(random.chance(weather.alarmTwice) ? 2 : 1);
      });
    });
  }

  /** @param runs at least once, the platform says. */
  #alarm(runs: number): void {
    const { world } = this;
    for (let run = 0; run < runs; run++) {
      const dueAt = this.#dueAt ?? world.now;
      this.#dueAt = null;
      const presence = this.#presence.at(dueAt);
      const count = this.turn((turn) => world.api.runDue(turn, presence));
      if (count.spared || count.sessionsEnded > 0)
        world.note(`alarm ${world.now - dueAt} late: ${JSON.stringify(count)}`);
      this.watcher.alarmRan(presence, count);
      this.storage.abortDoomed();
      this.drains.kick();
    }
    this.arm();
  }
}

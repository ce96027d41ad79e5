/** A node that follows the fleet protocol as functions over the network: it dies, stands still, drains, and comes back. */

import type { NodeIdentity } from "../../../edge/partition/sessions.ts";
import type { Held, LeasedJob, SlotClass, Slots } from "../../../shared/contract/fleet.ts";
import type { Answer, Desk } from "./desk.ts";
import type { Host } from "./host.ts";
import { call, type Reply } from "./network.ts";
import { VirtualAttempt } from "./virtual-attempt.ts";
import { Violation, type World } from "./world.ts";

export interface NodeSetup {
  id: string;
  tags: string[];
  country: string | null;
  account: string | null;
  slots: number;
}

const LEASE_TRIES = 3;

export class VirtualNode {
  readonly world: World;
  readonly host: Host;
  readonly desk: Desk;
  readonly setup: NodeSetup;
  readonly #attempts = new Map<string, VirtualAttempt>();
  /** Raised by each start of the process. */
  #life = 0;
  #session = 0;
  #isUp = false;
  #quiet = false;
  #asking = false;
  #frozenUntil = 0;

  constructor(world: World, host: Host, desk: Desk, setup: NodeSetup) {
    this.world = world;
    this.host = host;
    this.desk = desk;
    this.setup = setup;
  }

  get who(): NodeIdentity {
    const { id, tags, country, account } = this.setup;
    return { node: id, session: this.#session, name: id, tags, country, account };
  }

  // --- its life

  start(): void {
    if (this.#isUp) return;
    this.#life++;
    // D1 numbers the sessions; a new one fences the old.
    this.#session++;
    this.#isUp = true;
    this.#quiet = false;
    this.#asking = false;
    this.#frozenUntil = 0;
    this.world.note(`${this.setup.id} starts session ${this.#session}`);
    this.#beat();
    this.#poll();
  }

  /** kill -9. */
  crash(backInMs: number): void {
    if (!this.#isUp) return;
    this.world.note(`${this.setup.id} dies`);
    this.#isUp = false;
    this.#life++;
    this.#attempts.clear();
    this.world.timeline.in(backInMs, () => this.start());
  }

  freeze(ms: number): void {
    this.world.note(`${this.setup.id} freezes for ${ms}`);
    this.#frozenUntil = this.world.now + ms;
  }

  /** Takes no more, gives back the rest after a while, ends, and is started again. */
  drain(): void {
    if (!this.#isUp || this.#quiet) return;
    this.world.note(`${this.setup.id} drains`);
    this.#quiet = true;
    this.later(this.world.random.ms(0, 40_000), () => {
      for (const attempt of this.#attempts.values()) attempt.release();
      this.later(8_000, () => this.crash(this.world.random.ms(1_000, 60_000)));
    });
  }

  /** The chaos is over: nobody stays down. */
  heal(): void {
    this.#frozenUntil = Math.min(this.#frozenUntil, this.world.now);
    if (this.#quiet) this.crash(1_000);
    this.start();
  }

  later(ms: number, run: () => void): void {
    const life = this.#life;
    const resume = (): void => {
      if (life !== this.#life) return;
      if (this.world.now < this.#frozenUntil) this.world.timeline.at(this.#frozenUntil + 1, resume);
      else run();
    };
    this.world.timeline.in(ms, resume);
  }

  // --- calls

  /** One call of this session. `done` hears null for no answer, and nothing once the process is dead. */
  ask<T>(serve: (who: NodeIdentity, reply: Reply<T>) => void, done: Reply<T>): void {
    const { who } = this;
    call<T>(
      this.world,
      (reply) =>
        this.host.handle(
          () => serve(who, reply),
          () => reply(null),
        ),
      (answer) => this.later(0, () => done(answer)),
    );
  }

  /** Asks until there is an answer, waiting longer each time; null after `tries`. */
  insist<T>(
    tries: number,
    serve: (who: NodeIdentity) => Answer<T>,
    done: (answer: Answer<T> | null) => void,
    waitMs = 500,
  ): void {
    this.ask<Answer<T>>(
      (who, reply) => reply(serve(who)),
      (answer) => {
        if (answer !== null || tries <= 1) return done(answer);
        this.later(this.world.random.ms(0, waitMs), () =>
          this.insist(tries - 1, serve, done, Math.min(2 * waitMs, 20_000)),
        );
      },
    );
  }

  /** What it says of another's attempt changes nothing, even if it has guessed the token. */
  pry(): void {
    if (!this.#isUp) return;
    const pry = (): void => {
      const { core } = this.host;
      const job = core.sql.get<{ id: string; attempt: number; state: string }>(
        "SELECT id, attempt, state FROM jobs WHERE state IN ('offered', 'running') AND node_id <> ? LIMIT 1",
        this.setup.id,
      );
      if (job === undefined) return;
      const token = `${core.epoch}.${job.attempt}`;
      if (job.state === "offered") this.desk.confirm(this.who, job.id, token);
      else this.desk.step(this.who, job.id, token, "upload");
    };
    this.host.handle(pry, () => {});
  }

  /** A newer session of this node exists: this process is not the node any more. */
  fenced(): void {
    this.crash(this.world.random.ms(1_000, 5_000));
  }

  // --- leases

  #beat(): void {
    const holding: Held[] = [...this.#attempts.values()].map(({ job, token }) => ({ job, token }));
    const slots = this.freeSlots();
    const state = this.#quiet ? "quiet" : "running";
    this.ask<Answer<Held[]>>(
      (who, reply) => reply(this.desk.heartbeat(who, { holding, slots, state })),
      (answer) => {
        if (answer === null) return;
        if ("refused" in answer) return this.fenced();
        for (const held of answer.ok) this.kill(held.job, held.token);
      },
    );
    this.later(this.world.config.heartbeatMs * this.world.random.range(0.9, 1.1), () => this.#beat());
  }

  #poll(): void {
    this.#lease();
    this.later(this.world.config.pollMs * this.world.random.range(0.5, 1.5), () => this.#poll());
  }

  ring(): void {
    if (this.#isUp && this.world.now >= this.#frozenUntil) this.#lease();
  }

  /** As many recordings as downloads; a real node takes twice as many. */
  freeSlots(): Slots {
    const taken = (slot: SlotClass) => [...this.#attempts.values()].filter((attempt) => attempt.slot === slot).length;
    const free = (slot: SlotClass) => Math.max(0, this.setup.slots - taken(slot));
    return { download: free("download"), live: free("live") };
  }

  #lease(): void {
    const slots = this.freeSlots();
    if (this.#quiet || this.#asking || slots.download + slots.live === 0) return;
    this.#asking = true;
    const requestId = this.world.random.uuid(this.world.now);
    this.insist<LeasedJob[]>(
      LEASE_TRIES,
      (who) => this.desk.lease(who, requestId, slots),
      (answer) => {
        this.#asking = false;
        if (answer === null) return;
        if ("refused" in answer) return this.fenced();
        for (const slot of ["download", "live"] as const) {
          const got = answer.ok.filter((leased) => leased.slot === slot).length;
          if (got > slots[slot]) throw new Violation(`a lease fits the slots: ${got} for ${slots[slot]} ${slot}`);
        }
        for (const leased of answer.ok) this.#take(leased);
      },
    );
  }

  #take(leased: LeasedJob): void {
    if (this.#attempts.get(leased.job)?.token === leased.token) return;
    const attempt = new VirtualAttempt(this, leased);
    this.#attempts.set(leased.job, attempt);
    attempt.begin();
  }

  // --- attempts

  holds(attempt: VirtualAttempt): boolean {
    return this.#attempts.get(attempt.job) === attempt;
  }

  drop(attempt: VirtualAttempt): void {
    if (this.holds(attempt)) this.#attempts.delete(attempt.job);
  }

  kill(job: string, token: string): void {
    if (this.#attempts.get(job)?.token === token) this.#attempts.delete(job);
  }
}

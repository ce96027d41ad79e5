/** The two sinks of a partition and who waits for them, as `drainer.ts` does it, on the virtual clock. */
import type { Sink } from "../../../edge/partition/drain.ts";
import { SINKS } from "../../../edge/partition/drain.ts";
import type { EventRow } from "../../../edge/partition/events.ts";
import { ALARM_MAX_ROWS, GROUP_COMMIT_WAIT_MS } from "../../../shared/limits.ts";
import type { Host } from "./host.ts";

interface Waiter {
  event: number;
  wake: (passed: boolean) => void;
}

export class Drains {
  readonly #host: Host;
  readonly #flying = new Set<Sink>();
  readonly #failing = new Set<Sink>();
  #waiters: Waiter[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  get failing(): boolean {
    return this.#failing.size > 0;
  }

  kick(): void {
    for (const sink of SINKS) this.#fly(sink);
  }

  /** Calls back true once D1 has the event, false when that takes too long. Never, if the object ends meanwhile. */
  passed(event: number, wake: (passed: boolean) => void): void {
    const { world, core } = this.#host;
    if (world.api.readCursor(core.sql, "d1") >= event) {
      wake(true);
      return;
    }
    const waiter: Waiter = { event, wake };
    this.#waiters.push(waiter);
    this.#host.later(GROUP_COMMIT_WAIT_MS, () => this.#wake(waiter, false));
    this.kick();
  }

  #wake(waiter: Waiter, passed: boolean): void {
    if (!this.#waiters.includes(waiter)) return;
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
    waiter.wake(passed);
  }

  #fly(sink: Sink): void {
    if (this.#flying.has(sink)) return;
    const { world, core } = this.#host;
    const { random, timeline, weather, api } = world;
    const events = api.nextEvents(core.sql, sink);
    const last = events.at(-1);
    if (last === undefined) return;
    this.#flying.add(sink);
    const deliver = this.#deliver(sink, events);
    const later = this.#host.thisLife;
    const { wipes } = this.#host;
    // What is in the air lands even if the object ends meanwhile.
    timeline.in(random.ms(1, weather.d1MaxMs), async () => {
      // What a dead generation had in the air dies with its process before the next one is open.
      const dead = this.#host.wipes !== wipes && this.#host.isUp;
      const refused = dead || random.chance(weather.d1Fails);
      if (!refused) await deliver();
      world.note(`flight to ${sink} up to ${last.id}: ${refused ? "refused" : "landed"}`);
      const heard = !refused && !random.chance(weather.d1AnswerLost);
      later(random.ms(1, 30), () => this.#landed(sink, heard ? last.id : null));
    });
  }

  #deliver(sink: Sink, events: readonly EventRow[]): () => Promise<void> {
    const { world, core, watcher } = this.#host;
    if (sink === "stream") return async () => watcher.streamed(events);
    // Who is told is not watched here; that its cursor holds jobs back is.
    if (sink === "courier") return async () => {};
    const flight = world.api.collectFlight(core.sql, events);
    return () => world.api.drainToD1(world.d1, flight);
  }

  #landed(sink: Sink, passed: number | null): void {
    const { world, core } = this.#host;
    this.#flying.delete(sink);
    if (passed === null) {
      this.#failing.add(sink);
      this.#host.arm();
      return;
    }
    this.#failing.delete(sink);
    world.api.advanceCursor(core.sql, sink, passed);
    if (sink === "d1") {
      for (const waiter of this.#waiters.filter((each) => each.event <= passed)) this.#wake(waiter, true);
    }
    this.#host.tidy(() => {
      world.api.retire(core.sql, ALARM_MAX_ROWS);
    });
    if (sink === "d1") this.#host.ring();
    this.#fly(sink);
  }
}

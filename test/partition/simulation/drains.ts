/** The sinks of a partition and who waits for them, as `drainer.ts` does it, on the virtual clock. */
import { isSuperseded } from "../../../edge/db/generation.ts";
import { type FileRow, SINKS, type Sink } from "../../../edge/partition/drain.ts";
import type { EventRow } from "../../../edge/partition/events.ts";
import type { JobRow } from "../../../edge/partition/job-row.ts";
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
    const { random, weather, api } = world;
    const waiting = api.nextEvents(core.sql, sink);
    const cut = sink === "d1" && waiting.length > 1 && random.chance(weather.d1CutsShort);
    const events = cut ? waiting.slice(0, 1 + random.below(waiting.length)) : waiting;
    const last = events.at(-1);
    if (last === undefined) return;
    this.#flying.add(sink);
    if (sink === "d1") this.#flyToD1(events, last.id);
    else if (sink === "courier") this.#flyToCourier(events, last.id);
    else this.#land(sink, weather.d1MaxMs, last.id, async () => this.#host.watcher.streamed(events));
  }

  #flyToD1(events: readonly EventRow[], last: number): void {
    const { world, core } = this.#host;
    const { api, weather, d1 } = world;
    const flight = api.collectFlight(core.sql, events);
    const generation = api.generationOf(core, events);
    this.#land(
      "d1",
      weather.d1MaxMs,
      last,
      async () => {
        await api.drainToD1(d1, flight, generation);
        this.#host.watcher.landed(core.epoch);
      },
      () => {
        api.flightLanded(core.sql, flight);
      },
    );
  }

  /** Signing and a look into D1 come before the call: the object may be gone by then. */
  #flyToCourier(events: readonly EventRow[], last: number): void {
    const { world, core, life } = this.#host;
    const { api, d1, courier, timeline, weather } = world;
    timeline.in(0, async () => {
      if (this.#host.life !== life) return;
      const sign = async (_: JobRow, media: FileRow) => `signed ${media.file_id}`;
      const notices = await api.partitionNotices({ sql: core.sql, db: d1, sign }, events);
      this.#land("courier", weather.courierMaxMs, last, async () => {
        this.#host.watcher.told(notices);
        courier.accept(notices);
      });
    });
  }

  /** What is in the air lands even if the object ends meanwhile, or another generation has begun. */
  #land(sink: Sink, maxMs: number, last: number, deliver: () => Promise<void>, heard: () => void = () => {}): void {
    const { world } = this.#host;
    const { random, timeline, weather } = world;
    const [fails, lost] =
      sink === "courier" ? [weather.courierFails, weather.courierAnswerLost] : [weather.d1Fails, weather.d1AnswerLost];
    const later = this.#host.thisLife;
    const arrive = async (): Promise<void> => {
      if (!pending) return;
      pending = false;
      world.inAir.delete(arrive);
      const refused = random.chance(fails) || !(await this.#delivered(deliver));
      world.note(`flight to ${sink} up to ${last}: ${refused ? "refused" : "landed"}`);
      const passed = !refused && !random.chance(lost);
      later(random.ms(1, 30), () => {
        if (passed) heard();
        this.#landed(sink, passed ? last : null);
      });
    };
    let pending = true;
    if (sink === "d1") world.inAir.add(arrive);
    timeline.in(random.ms(1, maxMs), arrive);
  }

  async #delivered(deliver: () => Promise<void>): Promise<boolean> {
    try {
      await deliver();
      return true;
    } catch (error) {
      // A later generation has claimed the partition.
      if (isSuperseded(error)) return false;
      throw error;
    }
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
    if (sink === "d1") {
      this.#host.ring();
      this.#fly("courier");
    }
    this.#fly(sink);
  }
}

/** Carries events to one sink: in order, one flight at a time, retried for ever. Waiters are woken as the cursor passes. */

import { advanceCursor, nextEvents, readCursor, type Sink } from "./drain.ts";
import type { EventRow } from "./events.ts";
import type { Sql } from "./sql.ts";

export interface DrainerDeps {
  sql: Sql;
  sink: Sink;
  /** Writes one chunk; throws when the sink did not take it. */
  deliver(events: readonly EventRow[]): Promise<void>;
  /** Called after each step of the cursor. */
  onAdvance(): void;
  onFailure(error: unknown): void;
}

interface Waiter {
  eventId: number;
  wake: (passed: boolean) => void;
}

export class Drainer {
  readonly #deps: DrainerDeps;
  #flight: Promise<void> | null = null;
  #waiters: Waiter[] = [];
  /** True after a flight failed and until one succeeds: only the alarm tries again then. */
  #failing = false;

  constructor(deps: DrainerDeps) {
    this.#deps = deps;
  }

  get failing(): boolean {
    return this.#failing;
  }

  /** Starts a flight unless one is under way; that one will see the new rows too. */
  kick(): Promise<void> {
    this.#flight ??= this.#run().finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  /** Resolves true once the cursor has passed the event, false when `waitMs` ran out first. */
  async passed(eventId: number, waitMs: number): Promise<boolean> {
    if (readCursor(this.#deps.sql, this.#deps.sink) >= eventId) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter = { eventId, wake: resolve };
    this.#waiters.push(waiter);
    const timer = setTimeout(() => resolve(false), waitMs);
    void this.kick();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
    }
  }

  async #run(): Promise<void> {
    for (;;) {
      const events = nextEvents(this.#deps.sql, this.#deps.sink);
      const last = events.at(-1);
      if (last === undefined) return;
      try {
        await this.#deps.deliver(events);
      } catch (error) {
        this.#failing = true;
        this.#deps.onFailure(error);
        return;
      }
      this.#failing = false;
      advanceCursor(this.#deps.sql, this.#deps.sink, last.id);
      for (const waiter of this.#waiters) if (waiter.eventId <= last.id) waiter.wake(true);
      this.#deps.onAdvance();
    }
  }
}

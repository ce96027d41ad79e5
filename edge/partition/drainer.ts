/** Carries events to one sink: in order, one flight at a time, retried for ever. Waiters are woken as the cursor passes. */

import { advanceCursor, nextEvents, readCursor, type Sink } from "./drain.ts";
import type { EventIds } from "./event-ids.ts";
import type { EventRow } from "./events.ts";
import type { Sql } from "./sql.ts";

export interface DrainerDeps {
  sql: Sql;
  ids: EventIds;
  sink: Sink;
  /** Events after this one have to wait, for another sink. Defaults to none. */
  border?: () => number;
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
  /** Only we move it. Read from the table it was a quarter of the statements of a create. */
  #cursor: number | null = null;
  /** True after a flight failed and until one succeeds: only the alarm tries again then. */
  #failing = false;

  constructor(deps: DrainerDeps) {
    this.#deps = deps;
  }

  get failing(): boolean {
    return this.#failing;
  }

  /** The newest event that the sink has taken. */
  get cursor(): number {
    this.#cursor ??= readCursor(this.#deps.sql, this.#deps.sink);
    return this.#cursor;
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
    if (this.cursor >= eventId) return true;
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
    const { sql, ids, sink, border = () => Number.MAX_SAFE_INTEGER } = this.#deps;
    for (;;) {
      const to = border();
      // Most kicks find nothing new: that costs no look into the table.
      if (this.cursor >= Math.min(ids.last, to)) return;
      const events = nextEvents(sql, sink, { after: this.cursor, to });
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
      advanceCursor(sql, sink, last.id);
      this.#cursor = last.id;
      for (const waiter of this.#waiters) if (waiter.eventId <= last.id) waiter.wake(true);
      this.#deps.onAdvance();
    }
  }
}

import type { Sql } from "./sql.ts";

/**
 * Event ids: `max(last + 1, unix_ms × 1000)`. They rise through a crash, an eviction and a rebuild, because the clock has
 * moved on by then; progress takes ids by the same rule without writing a row.
 */
export class EventIds {
  #last: number;

  constructor(last: number) {
    this.#last = last;
  }

  static load(sql: Sql): EventIds {
    return new EventIds(sql.get<{ last: number | null }>("SELECT max(id) AS last FROM events")?.last ?? 0);
  }

  /** An id that a dead generation gave: later ones are greater. */
  passed(id: number): void {
    this.#last = Math.max(this.#last, id);
  }

  /** The newest id given so far: no event row has a greater one. */
  get last(): number {
    return this.#last;
  }

  next(now: number): number {
    this.#last = Math.max(this.#last + 1, now * 1000);
    return this.#last;
  }

  /** The newest id given so far, or the one that this moment would begin with. */
  newest(now: number): number {
    return Math.max(this.#last, now * 1000);
  }
}

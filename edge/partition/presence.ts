/**
 * When the object was there at all (late reaper rule, DESIGN section 3): in memory, and its own start begins it. A request
 * that reaches an edge that has just woken up may come before its alarm: what it slept is remembered until that runs.
 */

/** A time in which nothing was handled. */
export interface Gap {
  from: number;
  until: number;
}

export interface EdgePresence {
  /** When the object last handled anything but this run; its own start counts. */
  lastHandledAt: number;
  /** When this run was due. */
  dueAt: number;
  /** The last long one before `lastHandledAt`. Missing: there was none. */
  gap?: Gap;
}

export class Presence {
  readonly #longMs: number;
  #lastHandledAt: number;
  #gap: Gap;

  /** Nobody knows what was before the object began. @param leaseTtlMs a silence of half of it is a long one. */
  constructor(now: number, leaseTtlMs: number) {
    this.#longMs = leaseTtlMs / 2;
    this.#lastHandledAt = now;
    this.#gap = { from: 0, until: now };
  }

  /** Anything but the alarm has come. */
  handled(now: number): void {
    if (now - this.#lastHandledAt >= this.#longMs) this.#gap = { from: this.#lastHandledAt, until: now };
    this.#lastHandledAt = now;
  }

  /** As a run of the alarm finds it. */
  at(dueAt: number): EdgePresence {
    return { lastHandledAt: this.#lastHandledAt, dueAt, gap: this.#gap };
  }
}

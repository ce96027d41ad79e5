/** Places for what may run at once, and a short line for what may wait. */

export type Release = () => void;

interface Waiter {
  enter(): void;
}

export class Slots {
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #line = new Set<Waiter>();
  #taken = 0;

  constructor(size: number, maxWaiting: number) {
    this.#size = size;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * A place, first come, first served; null at once when the line is full. Rejects with the signal's reason if that
   * comes first, and gives up its place in the line.
   *
   * @example const release = await slots.take(signal); try { … } finally { release?.(); }
   */
  async take(signal: AbortSignal): Promise<Release | null> {
    signal.throwIfAborted();
    if (this.#taken < this.#size) return this.#enter();
    if (this.#line.size >= this.#maxWaiting) return null;
    const { promise, resolve, reject } = Promise.withResolvers<Release>();
    const waiter: Waiter = { enter: () => resolve(this.#enter()) };
    const leave = () => {
      // Out of the line in the same turn, or a release could give this place to one who has gone.
      this.#line.delete(waiter);
      reject(signal.reason);
    };
    this.#line.add(waiter);
    signal.addEventListener("abort", leave, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #enter(): Release {
    this.#taken++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken--;
      const [next] = this.#line;
      if (next === undefined) return;
      this.#line.delete(next);
      next.enter();
    };
  }
}

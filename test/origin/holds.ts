/** How far one key of `/hold/` has come. */
interface Hold {
  /** Answers that have come to the point where a closed hold makes them wait. */
  reached: number;
  open: boolean;
  readonly released: PromiseWithResolvers<void>;
  /** Callers of `waitForHeld`, by the count that they wait for. */
  readonly watchers: { count: number; watcher: PromiseWithResolvers<void> }[];
}

/** The gates behind `/hold/<key>/`. A released key stays open: later requests with it pass straight through. */
export class Holds {
  readonly #holds = new Map<string, Hold>();

  /** Counts one answer that has sent its first part, or whose client has hung up before that. */
  arrive(key: string): void {
    const hold = this.#of(key);
    hold.reached += 1;
    for (const { count, watcher } of hold.watchers) if (hold.reached >= count) watcher.resolve();
  }

  /** Resolves once the key is released, or the connection is gone. */
  async pass(key: string, signal: AbortSignal): Promise<void> {
    const hold = this.#of(key);
    if (hold.open || signal.aborted) return;
    const gone = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => gone.resolve(), { once: true });
    await Promise.race([hold.released.promise, gone.promise]);
  }

  release(key: string): void {
    const hold = this.#of(key);
    hold.open = true;
    hold.released.resolve();
  }

  /** Resolves when `count` answers with this key have arrived, those that have since gone or gone on included. */
  held(key: string, count: number): Promise<void> {
    const hold = this.#of(key);
    const watcher = Promise.withResolvers<void>();
    if (hold.reached >= count) watcher.resolve();
    else hold.watchers.push({ count, watcher });
    return watcher.promise;
  }

  /** Fails those who still wait, so that a test ends with a reason and not with its time limit. */
  close(): void {
    for (const [key, hold] of this.#holds) {
      for (const { count, watcher } of hold.watchers) {
        watcher.reject(new Error(`the site closed; key ${key} was held ${hold.reached} times, not ${count}`));
      }
    }
  }

  #of(key: string): Hold {
    let hold = this.#holds.get(key);
    if (!hold) {
      hold = { reached: 0, open: false, released: Promise.withResolvers(), watchers: [] };
      this.#holds.set(key, hold);
    }
    return hold;
  }
}

/** Which tries may run at the same time. A receiver that is slow holds up itself, not the others. */

/** Tries at once. Cloudflare opens six connections of an object at a time and queues the rest itself. */
export const TRIES_AT_ONCE = 16;
/** … to one target. */
export const TRIES_AT_ONCE_PER_TARGET = 4;
/** … to all targets together that were slow the last time. */
export const SLOW_TRIES_AT_ONCE = 4;
/** A try that takes longer makes its target a slow one, until one is quick again. */
export const SLOW_TRY_MS = 5_000;
/** Slow targets remembered; past it all are forgotten and have to show it again. */
const SLOW_TARGETS = 1_000;

export class Flights {
  readonly #targets = new Map<string, string>();
  readonly #slow = new Set<string>();

  get ids(): string[] {
    return [...this.#targets.keys()];
  }

  get size(): number {
    return this.#targets.size;
  }

  get full(): boolean {
    return this.#targets.size >= TRIES_AT_ONCE;
  }

  mayStart(target: string): boolean {
    if (this.full) return false;
    const flying = [...this.#targets.values()];
    if (flying.filter((each) => each === target).length >= TRIES_AT_ONCE_PER_TARGET) return false;
    return !this.#slow.has(target) || flying.filter((each) => this.#slow.has(each)).length < SLOW_TRIES_AT_ONCE;
  }

  has(id: string): boolean {
    return this.#targets.has(id);
  }

  start(id: string, target: string): void {
    this.#targets.set(id, target);
  }

  end(id: string, slow: boolean): void {
    const target = this.#targets.get(id);
    this.#targets.delete(id);
    if (target === undefined) return;
    if (!slow) this.#slow.delete(target);
    else {
      if (this.#slow.size >= SLOW_TARGETS) this.#slow.clear();
      this.#slow.add(target);
    }
  }
}

/** What a Worker keeps in memory of credentials, for a while and of a bounded number. */

const MAX_ENTRIES = 10_000;

export class Remembered<Value> {
  readonly #entries = new Map<string, { value: Value; until: number }>();

  get(key: string, now: number): Value | null {
    const known = this.#entries.get(key);
    if (known === undefined) return null;
    if (known.until > now) return known.value;
    this.#entries.delete(key);
    return null;
  }

  set(key: string, value: Value, until: number): void {
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(key, { value, until });
  }

  /** What is remembered, or else what `read` finds. Nothing is kept of what it does not find: guesses fill no memory. */
  async of<Found extends Value>(
    key: string,
    now: number,
    read: () => Promise<Found | null>,
    until: (found: Found) => number,
  ): Promise<Value | null> {
    const known = this.get(key, now);
    if (known !== null) return known;
    const found = await read();
    if (found !== null) this.set(key, found, until(found));
    return found;
  }
}

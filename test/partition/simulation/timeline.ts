/** The virtual clock: what will happen, in order of time and, at the same time, of its planning. */
export type Happening = () => void | Promise<void>;

interface Entry {
  at: number;
  order: number;
  run: Happening;
}

export class Timeline {
  #now: number;
  #order = 0;
  /** A binary heap. */
  readonly #entries: Entry[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  in(ms: number, run: Happening): void {
    this.at(this.#now + Math.max(0, Math.floor(ms)), run);
  }

  at(at: number, run: Happening): void {
    const entries = this.#entries;
    let index = entries.push({ at, order: this.#order++, run }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfBefore(index, parent)) break;
      index = parent;
    }
  }

  /** Everything sleeps, clocks excepted: what was due meanwhile comes late, all at once. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** The next happening; null at the end of time. Moves the clock to it. */
  next(): Happening | null {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined) return null;
    if (entries.length > 0) {
      entries[0] = last;
      this.#sink();
    }
    this.#now = Math.max(this.#now, first.at);
    return first.run;
  }

  #sink(): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const least = left + 1 < this.#entries.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (least >= this.#entries.length || !this.#swapIfBefore(least, index)) return;
      index = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#entries[one];
    const b = this.#entries[other];
    return a !== undefined && b !== undefined && (a.at - b.at || a.order - b.order) < 0;
  }

  #swapIfBefore(child: number, parent: number): boolean {
    const a = this.#entries[child];
    const b = this.#entries[parent];
    if (a === undefined || b === undefined || !this.#isBefore(child, parent)) return false;
    this.#entries[child] = b;
    this.#entries[parent] = a;
    return true;
  }
}

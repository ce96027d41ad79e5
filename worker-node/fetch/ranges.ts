/** Which bytes of a file are asked for next. Pure. */
import { MAX_RANGE_BYTES, MIN_RANGE_BYTES } from "./limits.ts";

/** `start` included, `end` not. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Hands out a file, or parts of it, from front to back: large pieces first, smaller ones towards the end, so that all
 * connections are done at nearly the same time. (Equal shares end with the slowest connection: at 8, 8, 8 and 2 MB/s they
 * take four times as long.)
 */
export class RangeQueue {
  readonly #ranges: readonly ByteRange[];
  readonly #connections: number;
  readonly #most: number;
  #at = 0;
  #next: number;
  #left: number;

  /** @param options `ranges`: what is wanted, in order, none of them empty. */
  constructor(options: { ranges: readonly ByteRange[]; connections: number; maxRangeBytes: number | null }) {
    this.#ranges = options.ranges;
    this.#next = options.ranges[0]?.start ?? 0;
    this.#left = options.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#connections = options.connections;
    this.#most = Math.min(MAX_RANGE_BYTES, options.maxRangeBytes ?? MAX_RANGE_BYTES);
  }

  /** Null when all is handed out. */
  take(): ByteRange | null {
    const range = this.#ranges[this.#at];
    if (range === undefined || this.#left <= 0) return null;
    const fair = Math.ceil(this.#left / (2 * this.#connections));
    const start = this.#next;
    const size = Math.min(range.end - start, Math.max(MIN_RANGE_BYTES, fair), this.#most);
    const end = start + size;
    this.#left -= size;
    if (end < range.end) this.#next = end;
    else this.#next = this.#ranges[++this.#at]?.start ?? end;
    return { start, end };
  }
}

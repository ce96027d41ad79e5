/** Which bytes of a file are asked for next. Pure. */
import { MAX_RANGE_BYTES, MIN_RANGE_BYTES } from "./limits.ts";

/** `start` included, `end` not. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Hands out a file from front to back: large pieces first, smaller ones towards the end, so that all connections are done
 * at nearly the same time. (Equal shares end with the slowest connection: at 8, 8, 8 and 2 MB/s they take four times as long.)
 */
export class RangeQueue {
  readonly #total: number;
  readonly #connections: number;
  readonly #most: number;
  #next: number;

  constructor(options: { from: number; total: number; connections: number; maxRangeBytes: number | null }) {
    this.#next = options.from;
    this.#total = options.total;
    this.#connections = options.connections;
    this.#most = Math.min(MAX_RANGE_BYTES, options.maxRangeBytes ?? MAX_RANGE_BYTES);
  }

  /** Null when all is handed out. */
  take(): ByteRange | null {
    const left = this.#total - this.#next;
    if (left <= 0) return null;
    const fair = Math.ceil(left / (2 * this.#connections));
    const size = Math.min(left, Math.max(MIN_RANGE_BYTES, fair), this.#most);
    const start = this.#next;
    this.#next = start + size;
    return { start, end: this.#next };
  }
}

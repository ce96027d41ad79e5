/** Bytes → progress: how far, how fast, how long still. */
import type { DownloadProgress } from "../media/ytdlp/port.ts";
import { PROGRESS_INTERVAL_MS, SPEED_WINDOW_MS } from "./limits.ts";

interface Mark {
  at: number;
  bytes: number;
}

export class Meter {
  readonly #tell: (progress: DownloadProgress) => void;
  readonly #now: () => number;
  #marks: Mark[];
  #total: number | null = null;
  #bytes = 0;
  #told = Number.NEGATIVE_INFINITY;

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(tell: (progress: DownloadProgress) => void, now: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#now = now;
    this.#marks = [{ at: now(), bytes: 0 }];
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A file is begun, or begun again. */
  begin(total: number | null): void {
    this.#total = total;
    this.#bytes = 0;
    this.#marks = [{ at: this.#now(), bytes: 0 }];
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const at = this.#now();
    if (at - this.#told >= PROGRESS_INTERVAL_MS) this.#say(at);
  }

  /** The last word: all is here. */
  end(): void {
    this.#total = this.#bytes;
    this.#say(this.#now());
  }

  #say(at: number): void {
    this.#told = at;
    this.#marks.push({ at, bytes: this.#bytes });
    // One mark at the window's far end stays, to measure from.
    while (this.#marks.length > 2 && at - (this.#marks[1]?.at ?? at) >= SPEED_WINDOW_MS) this.#marks.shift();
    const from = this.#marks[0];
    const elapsed = from === undefined ? 0 : at - from.at;
    const speed = from === undefined || elapsed <= 0 ? null : ((this.#bytes - from.bytes) / elapsed) * 1000;
    const left = this.#total === null ? null : Math.max(0, this.#total - this.#bytes);
    this.#tell({
      bytes: this.#bytes,
      totalBytes: this.#total,
      speedBytesPerSecond: speed === null ? null : Math.round(speed),
      etaSeconds: left === null || speed === null || speed <= 0 ? null : Math.round(left / speed),
      fraction: this.#total === null || this.#total === 0 ? null : Math.min(1, this.#bytes / this.#total),
    });
  }
}

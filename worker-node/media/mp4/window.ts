/** A few bytes here and there of a file on a server, with one question for what lies together. */
import type { ByteRange } from "../../fetch/ranges.ts";

/** Asked for at once: an index is often done with it. */
export const LOOK_BYTES = 256 * 1024;

export class ByteWindow {
  readonly total: number;
  readonly #read: (range: ByteRange) => Promise<Buffer>;
  #at = 0;
  #bytes: Buffer;

  /**
   * @param head The first bytes of the file.
   * @param total Its size.
   */
  constructor(head: Buffer, total: number, read: (range: ByteRange) => Promise<Buffer>) {
    this.#bytes = head;
    this.total = total;
    this.#read = read;
  }

  /** Fewer at the end of the file. The caller bounds `length`: it is held in memory. */
  async get(at: number, length: number): Promise<Buffer> {
    const end = Math.min(at + length, this.total);
    const last = this.#at + this.#bytes.length;
    if (at < this.#at || end > last) {
      const known = at >= this.#at && at < last ? this.#bytes.subarray(at - this.#at) : Buffer.alloc(0);
      const ask = { start: at + known.length, end: Math.min(this.total, Math.max(end, at + LOOK_BYTES)) };
      this.#bytes = Buffer.concat([known, await this.#read(ask)]);
      this.#at = at;
    }
    return this.#bytes.subarray(at - this.#at, end - this.#at);
  }
}

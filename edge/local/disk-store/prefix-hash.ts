/**
 * SHA-256 of a growing file. Parts arrive in any order and the hash needs them in file order, so it follows the
 * completed prefix and reads each byte once. Hashing runs at about 1.6 GB/s here; done at commit alone it would hold up
 * a 100 GiB file for over a minute.
 */
import { createHash, type Hash } from "node:crypto";
import { open } from "node:fs/promises";
import { READ_CHUNK_BYTES } from "./limits.ts";

export class PrefixHash {
  readonly #path: string;
  #hash: Hash = createHash("sha256");
  #bytes = 0;
  /** Raised by `reset`: what was read before it must not be hashed after it. */
  #generation = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Hashes on to this offset; calls follow one another. */
  advance(end: number): Promise<void> {
    const done = this.#tail.then(() => this.#readTo(end));
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Bytes before the current offset will change, or are of no use any more. */
  reset(): void {
    this.#generation++;
    this.#hash = createHash("sha256");
    this.#bytes = 0;
  }

  /** The hash of exactly the first `size` bytes, lower-case hex. */
  async digest(size: number): Promise<string> {
    await this.#tail;
    if (this.#bytes > size) this.reset();
    await this.advance(size);
    return this.#hash.copy().digest("hex");
  }

  async #readTo(end: number): Promise<void> {
    if (this.#bytes >= end) return;
    const generation = this.#generation;
    const handle = await open(this.#path, "r");
    try {
      const buffer = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, end - this.#bytes));
      while (this.#bytes < end && generation === this.#generation) {
        const length = Math.min(buffer.length, end - this.#bytes);
        const { bytesRead } = await handle.read(buffer, 0, length, this.#bytes);
        if (generation !== this.#generation) return;
        if (bytesRead === 0) throw new Error("The upload is shorter than its parts");
        this.#hash.update(buffer.subarray(0, bytesRead));
        this.#bytes += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }
}

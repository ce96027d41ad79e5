/** Chunks from a socket → file, in batches: one is written while the next one is gathered. */
import { giveBack } from "./give-back.ts";
import { MIB } from "./limits.ts";
import { type WritableFile, writeAll } from "./write-all.ts";

/** Chunks are gathered to this size; with one write under way, twice this is in memory. */
const BATCH_BYTES = MIB;
/** … or to so many, should they be tiny. */
const BATCH_CHUNKS = 256;
/**
 * One call of the kernel takes no more, as long as chunks are no larger: beyond 128 KiB ext4 gathers pages so large that writing
 * them back fell from 2 to 0.4 GB/s (seen on Linux 6.18, docs/decisions/026).
 */
const WRITE_BYTES = MIB / 16;

/** @example for await (const chunk of body) await writer.take(chunk); await writer.end(); */
export class BatchWriter {
  readonly #file: WritableFile;
  readonly #onWritten: (bytes: number) => void;
  #position: number;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  /**
   * @param at where in the file the first chunk goes
   * @param onWritten called for what has been written; what it throws counts as a failed write
   */
  constructor(file: WritableFile, at: number, onWritten: (bytes: number) => void = () => {}) {
    this.#file = file;
    this.#position = at;
    this.#onWritten = onWritten;
  }

  /** The chunk is used up. @throws what an earlier write threw */
  async take(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= BATCH_BYTES || this.#batch.length >= BATCH_CHUNKS) await this.#flush();
  }

  /** Writes what is gathered. No write is under way afterwards, whatever happens. @throws what a write threw */
  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  /** Drops what is gathered. No write is under way afterwards. */
  async drop(): Promise<void> {
    this.#batch = [];
    this.#bytes = 0;
    await this.#writing.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#bytes === 0) return;
    const [buffers, bytes, at] = [this.#batch, this.#bytes, this.#position];
    this.#position += bytes;
    this.#batch = [];
    this.#bytes = 0;
    this.#writing = this.#write(buffers, at).then(() => {
      buffers.forEach(giveBack);
      this.#onWritten(bytes);
    });
    // Awaited by the next flush; until then a failure must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  async #write(buffers: readonly Uint8Array[], at: number): Promise<void> {
    let [piece, bytes, position]: [Uint8Array[], number, number] = [[], 0, at];
    for (const [nth, buffer] of buffers.entries()) {
      piece.push(buffer);
      bytes += buffer.length;
      const next = buffers[nth + 1];
      if (next !== undefined && bytes + next.length <= WRITE_BYTES) continue;
      await writeAll(this.#file, piece, position);
      position += bytes;
      [piece, bytes] = [[], 0];
    }
  }
}

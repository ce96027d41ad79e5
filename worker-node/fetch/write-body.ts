/** Network → file, at an offset. */
import type { FileHandle } from "node:fs/promises";
import { giveBack } from "../../shared/give-back.ts";
import { writeAll } from "../../shared/write-all.ts";
import { WRITE_BATCH_BYTES } from "./limits.ts";

export interface BodyTarget {
  file: FileHandle;
  offset: number;
  /** No more than this is written; what comes beyond it ends the reading. */
  maxBytes: number;
  /** Called for what has been written. May throw to stop. */
  onWritten(bytes: number): void;
}

/**
 * Writes a body; one batch is written while the next one arrives. Whatever happens, no write is under way when the promise
 * settles, and `onWritten` has heard of all that lies in the file. The chunks of the body are used up.
 *
 * @throws what the body, the file or `onWritten` throws.
 */
export async function writeBody(body: AsyncIterable<Buffer>, target: BodyTarget): Promise<void> {
  const { file, maxBytes } = target;
  let position = target.offset;
  let taken = 0;
  let batch: Buffer[] = [];
  let batchBytes = 0;
  let writing: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    await writing;
    if (batchBytes === 0) return;
    const [buffers, bytes, at] = [batch, batchBytes, position];
    position += bytes;
    batch = [];
    batchBytes = 0;
    writing = writeAll(file, buffers, at).then(() => {
      buffers.forEach(giveBack);
      target.onWritten(bytes);
    });
    // Awaited by the next flush; until then a failure must not count as unhandled.
    writing.catch(() => undefined);
  }

  try {
    for await (const chunk of body) {
      const kept = chunk.subarray(0, maxBytes - taken);
      taken += kept.length;
      batch.push(kept);
      batchBytes += kept.length;
      if (batchBytes >= WRITE_BATCH_BYTES) await flush();
      if (taken >= maxBytes) break;
    }
  } finally {
    // What came before a cut is kept: it need not come again.
    await flush();
    await writing;
  }
}

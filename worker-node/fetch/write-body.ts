/** Network → file, at an offset. */
import type { FileHandle } from "node:fs/promises";
import { BatchWriter } from "../../shared/batch-writer.ts";

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
  const { file, offset, maxBytes } = target;
  const writer = new BatchWriter(file, offset, (bytes) => target.onWritten(bytes));
  let taken = 0;
  try {
    for await (const chunk of body) {
      const kept = chunk.subarray(0, maxBytes - taken);
      taken += kept.length;
      await writer.take(kept);
      if (taken >= maxBytes) break;
    }
  } finally {
    // What came before a cut is kept: it need not come again.
    await writer.end();
  }
}

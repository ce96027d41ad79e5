/** Receives one part: network → file at the part's offset. */
import { createHash, randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { giveBack } from "../../../shared/give-back.ts";
import { writeAll } from "../../../shared/write-all.ts";
import { WRITE_BATCH_BYTES, WRITE_BATCH_CHUNKS } from "./limits.ts";
import type { PartRecord } from "./upload.ts";

export interface PartPlace {
  offset: number;
  maxBytes: number;
  /**
   * Hash the bytes on the way. Of several parts the whole file is hashed (`prefix-hash.ts`), and compared with what the
   * node says it sent: hashing each besides took 0.6 s of processor time for 1 GiB and proved nothing more.
   */
  hashed: boolean;
}

/** The body is longer than its grant. */
export class PartTooLargeError extends Error {
  override readonly name = "PartTooLargeError";
}

/**
 * Writes a body at `offset`. One batch is written while the next one arrives. Whatever happens, no write is under way
 * when the promise settles.
 *
 * @throws PartTooLargeError when more than `maxBytes` came; nothing past the grant was written
 */
export async function writePart(body: Readable, file: FileHandle, place: PartPlace): Promise<PartRecord> {
  const { offset, maxBytes } = place;
  const hash = place.hashed ? createHash("sha256") : null;
  let size = 0;
  let batch: Buffer[] = [];
  let batchBytes = 0;
  let position = offset;
  let writing: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    await writing;
    const buffers = batch;
    const at = position;
    position += batchBytes;
    batch = [];
    batchBytes = 0;
    writing = writeAll(file, buffers, at).then(() => buffers.forEach(giveBack));
    // Awaited by the next flush; until then a failure must not count as unhandled.
    writing.catch(() => undefined);
  }

  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new PartTooLargeError(`The part has more than ${maxBytes} bytes`);
      hash?.update(chunk);
      batch.push(chunk);
      batchBytes += chunk.length;
      if (batchBytes >= WRITE_BATCH_BYTES || batch.length >= WRITE_BATCH_CHUNKS) await flush();
    }
    await flush();
    await writing;
  } finally {
    await writing.catch(() => undefined);
  }
  const sha256 = hash?.digest("hex") ?? null;
  return { size, tag: sha256 ?? randomUUID(), sha256 };
}

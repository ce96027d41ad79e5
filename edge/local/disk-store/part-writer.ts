/** Receives one part: network → file at the part's offset. */
import { createHash, randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { BatchWriter } from "../../../shared/batch-writer.ts";
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
  const writer = new BatchWriter(file, offset);
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new PartTooLargeError(`The part has more than ${maxBytes} bytes`);
      hash?.update(chunk);
      await writer.take(chunk);
    }
    await writer.end();
  } finally {
    await writer.drop();
  }
  const sha256 = hash?.digest("hex") ?? null;
  return { size, tag: sha256 ?? randomUUID(), sha256 };
}

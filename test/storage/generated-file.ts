/** Large files for tests, made on their way to the disk: never in memory as a whole. */
import { createCipheriv, createHash } from "node:crypto";
import { open } from "node:fs/promises";

const PIECE_BYTES = 1_048_576;

export interface GeneratedFile {
  path: string;
  size: number;
  /** Lower-case hex. */
  sha256: string;
}

/** Writes `size` bytes that repeat nowhere (a key stream), so that parts which changed places show. */
export async function generateFile(path: string, size: number, seed = 1): Promise<GeneratedFile> {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(PIECE_BYTES);
  const file = await open(path, "wx");
  try {
    for (let at = 0; at < size; at += PIECE_BYTES) {
      const piece = stream.update(zeros.subarray(0, Math.min(PIECE_BYTES, size - at)));
      hash.update(piece);
      await file.write(piece);
    }
  } finally {
    await file.close();
  }
  return { path, size, sha256: hash.digest("hex") };
}

/** SHA-256 of a stream, read piece by piece. */
export async function hashStream(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

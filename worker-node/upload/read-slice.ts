/** A slice of a file, piece by piece, through a buffer of the caller's. */
import { open } from "node:fs/promises";

/**
 * Bytes of the buffer: more than any socket takes into its own (64 KiB), so that undici, which asks for the next piece when
 * the socket has drained, asks when this one has left. The buffer can then be used again; a stream's would each be a new one
 * that waits for the garbage collector.
 */
export const SLICE_BUFFER_BYTES = 512 * 1024;

export interface FileSlice {
  path: string;
  start: number;
  size: number;
  buffer: Buffer;
}

/**
 * Each piece lies in the buffer and is good until the next one is asked for. All but the last fill it.
 *
 * @throws Error when the file ends early
 */
export async function* readSlice({ path, start, size, buffer }: FileSlice): AsyncGenerator<Buffer, void> {
  if (size === 0) return;
  const file = await open(path, "r");
  try {
    for (let at = 0; at < size; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, size - at));
      for (let filled = 0; filled < piece.length; ) {
        const { bytesRead } = await file.read(piece, filled, piece.length - filled, start + at + filled);
        if (bytesRead === 0) throw new Error("The file is shorter than it was");
        filled += bytesRead;
      }
      at += piece.length;
      yield piece;
    }
  } finally {
    await file.close();
  }
}

/**
 * Gives the memory of a chunk that came from a socket back at once. A socket's chunk is a buffer outside the heap behind a
 * small handle inside it; left to the garbage collector, which sees the handles alone, a gigabyte on its way leaves 60 MiB
 * of them behind (docs/decisions/026).
 *
 * Nobody may look at the chunk afterwards. One that is a part of a larger buffer (a pool's, or a read with two messages in
 * it) is left alone: the rest of it may be somebody else's.
 */
export function giveBack(chunk: Uint8Array): void {
  const { buffer } = chunk;
  const whole = chunk.byteLength > 0 && buffer.byteLength === chunk.byteLength;
  if (whole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

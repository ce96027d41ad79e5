/**
 * Takes an answer's body before its head goes on, for as long as that costs little: who hears of an answer that then breaks off
 * cannot be told any more. Miniflare ends a broken body like a whole one, and workerd waits for the bytes that its
 * `Content-Length` still promises.
 */
import type { Readable } from "node:stream";

export interface ReadAheadLimits {
  maxBytes: number;
  waitMs: number;
}

/** The whole body, or what is still to come with what has come in front. */
export type Ahead = { whole: Buffer } | { rest: AsyncGenerator<Buffer, void> };

/** @throws what the body breaks with meanwhile */
export async function readAhead(body: Readable, { maxBytes, waitMs }: ReadAheadLimits): Promise<Ahead> {
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), waitMs);
  const taken: Buffer[] = [];
  try {
    for (let bytes = 0; ; ) {
      const next = pieces.next();
      const piece = bytes > maxBytes ? null : await Promise.race([next, late]);
      if (piece === null) {
        // It may fail before anybody asks for the rest.
        next.catch(() => {});
        return { rest: goOn(taken, next, pieces, body) };
      }
      if (piece.done) return { whole: Buffer.concat(taken) };
      taken.push(piece.value);
      bytes += piece.value.length;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* goOn(
  taken: Buffer[],
  next: Promise<IteratorResult<Buffer>>,
  pieces: AsyncIterator<Buffer>,
  body: Readable,
): AsyncGenerator<Buffer, void> {
  try {
    yield* taken;
    for (let piece = await next; !piece.done; piece = await pieces.next()) yield piece.value;
  } finally {
    // The iterator's own end would wait for the piece that is asked for.
    body.destroy();
  }
}

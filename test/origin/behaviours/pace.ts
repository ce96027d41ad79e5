import { setTimeout as delay } from "node:timers/promises";
import type { Exchange } from "../exchange.ts";
import type { Resource } from "../resource.ts";
import { sendResource } from "../send.ts";

const BEATS_PER_SECOND = 10;
/** Enough for a client to see what the file is; less than any clip or HLS segment, more than any playlist. */
export const HELD_AFTER_BYTES = 64 * 1024;

/** `/slow/<bytesPerSecond>/<file>`: each connection gets this much. */
export function slow(exchange: Exchange, [bytesPerSecond]: readonly string[], file: Resource): Promise<void> {
  const perBeat = Math.max(1, Math.floor(Number(bytesPerSecond) / BEATS_PER_SECOND));
  return sendResource(exchange, file, {
    async *shape(body) {
      let left = perBeat;
      for await (const chunk of body) {
        // A beat may take several chunks, or a chunk several beats.
        for (let at = 0; at < chunk.length; ) {
          const piece = chunk.subarray(at, at + left);
          yield piece;
          at += piece.length;
          left -= piece.length;
          if (left > 0) continue;
          left = perBeat;
          await delay(1000 / BEATS_PER_SECOND, undefined, { signal: exchange.signal });
        }
      }
    },
  });
}

/**
 * `/hold/<key>/<file>`: the first 64 KiB, then nothing until the key is released. What is smaller passes, so a playlist
 * can be asked through it and its first segment is what is held.
 */
export function hold(exchange: Exchange, [key = ""]: readonly string[], file: Resource): Promise<void> {
  const { signal } = exchange;
  const { holds } = exchange.site;
  return sendResource(exchange, file, {
    async *shape(body, { length }) {
      let left = HELD_AFTER_BYTES;
      let arrived = length <= HELD_AFTER_BYTES;
      try {
        for await (const chunk of body) {
          const before = arrived ? chunk : chunk.subarray(0, left);
          yield before;
          left -= before.length;
          if (arrived || left > 0) continue;
          arrived = true;
          holds.arrive(key);
          await holds.pass(key, signal);
          if (signal.aborted) return;
          yield chunk.subarray(before.length);
        }
      } finally {
        // A client that only looks may hang up before 64 KiB. It counts all the same, or the count would be a race.
        if (!arrived) holds.arrive(key);
      }
    },
  });
}

import { type Exchange, untilClosed } from "../exchange.ts";
import type { Resource } from "../resource.ts";
import { type Extent, sendResource } from "../send.ts";

/** What `/endless/` and `/huge/` send at most; then they drop the connection. */
const MAX_ENDLESS_BYTES = 1024 ** 3;
const GARBAGE = Buffer.alloc(256 * 1024, "trawl ");

/** What lies in the first half of the file, so that a client which resumes after it gets nothing more. */
const firstHalfOf = (file: Resource) =>
  async function* firstHalf(body: AsyncIterable<Buffer>, { start }: Extent): AsyncIterable<Buffer> {
    let left = Math.floor(file.size / 2) - start;
    if (left <= 0) return;
    for await (const chunk of body) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) return;
    }
  };

async function* padded(body: AsyncIterable<Buffer>, total: number): AsyncIterable<Buffer> {
  let left = total;
  for await (const chunk of body) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
  for (; left > 0; left -= GARBAGE.length) yield GARBAGE.subarray(0, left);
}

/** `/truncated/<file>`: promises all in Content-Length and closes, in good order, half way. */
export function truncated(exchange: Exchange, _: readonly string[], file: Resource): Promise<void> {
  return sendResource(exchange, file, { shape: firstHalfOf(file), finish: closeEarly });
}

/** `/stall/<file>`: the first half, then silence for as long as the client bears it. */
export function stall(exchange: Exchange, _: readonly string[], file: Resource): Promise<void> {
  return sendResource(exchange, file, { shape: firstHalfOf(file), finish: ({ signal }) => untilClosed(signal) });
}

/** `/endless/<file>`: the file, then garbage, with no Content-Length to warn the client. */
export function endless(exchange: Exchange, _: readonly string[], file: Resource): Promise<void> {
  return sendResource(exchange, file, {
    ranges: false,
    declaredLength: null,
    shape: (body) => padded(body, MAX_ENDLESS_BYTES),
    finish: closeEarly,
  });
}

/** `/huge/<bytes>/<file>`: the same, but says beforehand how much it will be. */
export function huge(exchange: Exchange, [bytes]: readonly string[], file: Resource): Promise<void> {
  const declaredLength = Number(bytes);
  return sendResource(exchange, file, {
    ranges: false,
    declaredLength,
    shape: (body) => padded(body, Math.min(declaredLength, MAX_ENDLESS_BYTES)),
    ...(declaredLength > MAX_ENDLESS_BYTES ? { finish: closeEarly } : {}),
  });
}

/** The first half, then a TCP reset: what a client sees when a load balancer's backend dies. See `/flaky/reset/`. */
export function reset(exchange: Exchange, file: Resource): Promise<void> {
  return sendResource(exchange, file, {
    shape: firstHalfOf(file),
    async finish({ res }) {
      const { socket } = res;
      if (!socket) return;
      // A reset throws away what is still queued here, and then the client would not have got even the headers.
      await new Promise<void>((resolve) => socket.write("", () => resolve()));
      socket.resetAndDestroy();
    },
  });
}

function closeEarly({ res }: Exchange): void {
  res.socket?.destroySoon();
}

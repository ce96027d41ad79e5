import { once } from "node:events";
import type { Exchange } from "./exchange.ts";
import type { Resource } from "./resource.ts";

/** One fixed date for all: yt-dlp stamps it on the files that it saves, so a test can expect it. */
export const LAST_MODIFIED = "Mon, 15 Jan 2024 12:00:00 GMT";

export interface SendOptions {
  /** Changes the bytes on their way out. Defaults to sending all. */
  readonly shape?: (body: AsyncIterable<Buffer>, sent: Extent) => AsyncIterable<Buffer>;
  /** How the answer ends when no bytes are left. Defaults to a proper end. */
  readonly finish?: (exchange: Exchange) => void | Promise<void>;
  /** Whether Range is honoured. Defaults to true. */
  readonly ranges?: boolean;
  /** The Content-Length to declare, whatever the size: `null` for none (chunked). Defaults to the truth. */
  readonly declaredLength?: number | null;
}

/** Which part of the file an answer has promised. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

/** Answers with a resource as a good server does (HEAD, one Range, If-Range, ETag), but for what `options` change. */
export async function sendResource(exchange: Exchange, resource: Resource, options: SendOptions = {}): Promise<void> {
  const { req, res, signal } = exchange;
  const ranges = options.ranges ?? true;
  res.setHeader("content-type", resource.type);
  res.setHeader("etag", resource.etag);
  res.setHeader("last-modified", LAST_MODIFIED);
  if (ranges) res.setHeader("accept-ranges", "bytes");

  if (req.headers["if-none-match"] === resource.etag) return void res.writeHead(304).end();

  const range = ranges ? requestedRange(exchange, resource) : null;
  if (range === "unsatisfiable") {
    return void res.writeHead(416, { "content-range": `bytes */${resource.size}` }).end();
  }
  const { start, end } = range ?? { start: 0, end: resource.size - 1 };
  const length = end - start + 1;
  if (range) res.setHeader("content-range", `bytes ${start}-${end}/${resource.size}`);
  const declared = options.declaredLength === undefined ? length : options.declaredLength;
  if (declared !== null) res.setHeader("content-length", declared);
  res.writeHead(range ? 206 : 200);
  if (req.method === "HEAD") return void res.end();

  // Node would send them with the first byte of the body, and a body that stalls may have none.
  res.flushHeaders();
  const body = resource.read(start, end);
  for await (const chunk of options.shape?.(body, { start, length }) ?? body) {
    if (!res.write(chunk)) await once(res, "drain", { signal });
  }
  await (options.finish ? options.finish(exchange) : res.end());
}

/**
 * The range asked for, or `null` for the whole. RFC 9110, 14.2: a header that cannot be parsed, and one with several
 * ranges if the server does not care to, are ignored; a range that begins after the end is 416.
 */
function requestedRange(
  exchange: Exchange,
  { size, etag }: Resource,
): { start: number; end: number } | "unsatisfiable" | null {
  const { range } = exchange.req.headers;
  const ifRange = exchange.req.headers["if-range"];
  if (!range || (ifRange && ifRange !== etag && ifRange !== LAST_MODIFIED)) return null;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (!first && !last) return null;
  if (!first) {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? "unsatisfiable" : { start: size - suffix, end: size - 1 };
  }
  const start = Number(first);
  const end = last ? Math.min(Number(last), size - 1) : size - 1;
  if (last && Number(last) < start) return null;
  return start >= size ? "unsatisfiable" : { start, end };
}

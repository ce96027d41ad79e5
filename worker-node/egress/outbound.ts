/** Answers the embedded Worker's own requests to the internet: one hop each, redirects are the Worker's to follow. */
import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { request as send } from "undici";
import { checkUrl } from "../../shared/url-guard.ts";
import { guardedDispatcher } from "./dispatcher.ts";
import { isHopByHop } from "./headers.ts";
import { READ_AHEAD } from "./limits.ts";
import {
  EGRESS_ANSWERS,
  EGRESS_HEADER,
  EgressError,
  type EgressOptions,
  resolveEgress,
  toEgressError,
} from "./policy.ts";
import { readAhead } from "./read-ahead.ts";

export interface Outbound {
  /** Never rejects: a refusal is an answer with {@link EGRESS_HEADER}, the guard's own and nobody else's. */
  answer(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Value of {@link EGRESS_HEADER} on an answer of which the body broke off. */
const BROKEN_BODY = "broken";
const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

/** For Miniflare's `outboundService`, without which workerd reaches every loopback spelling. */
export function guardedOutbound(options: EgressOptions = {}): Outbound {
  const policy = resolveEgress(options);
  const dispatcher = guardedDispatcher(policy);

  async function pass(request: Request): Promise<Response> {
    const verdict = checkUrl(request.url, policy);
    if (!verdict.ok) throw new EgressError(verdict.reason, new URL(request.url).hostname);
    // Not `fetch`: it would send a body of known length in chunks, which S3 refuses.
    const response = await send(verdict.url, {
      dispatcher,
      method: request.method as "GET",
      headers: requestHeaders(request),
      body: request.body === null ? null : Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]),
      signal: request.signal,
    });
    return await toResponse(response, request.method);
  }

  return {
    async answer(request) {
      try {
        return await pass(request);
      } catch (error) {
        return refusal(toEgressError(error, new URL(request.url).hostname));
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function requestHeaders(request: Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) {
    if (!isHopByHop(name) && name !== "host" && name !== "accept-encoding") headers[name] = value;
  }
  // Miniflare compresses again what bears a `Content-Encoding`, or not, by its type: plain bytes are right either way.
  headers["accept-encoding"] = "identity";
  return headers;
}

async function toResponse(response: Awaited<ReturnType<typeof send>>, method: string): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || isHopByHop(name) || name === EGRESS_HEADER) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const { statusCode: status } = response;
  if (method === "HEAD" || NULL_BODY_STATUSES.has(status)) {
    response.body.resume();
    return new Response(null, { status, headers });
  }
  const decoder = decoderFor(headers.get("content-encoding"));
  if (decoder === null) return plainResponse(response.body, status, headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  response.body.on("error", (error) => decoder.destroy(error));
  return new Response(toWeb(response.body.pipe(decoder)), { status, headers });
}

async function plainResponse(body: Readable, status: number, headers: Headers): Promise<Response> {
  if (Number(headers.get("content-length") ?? 0) > READ_AHEAD.maxBytes) {
    // Without it a body that breaks off is short, and not waited for; who relays a file knows how long it is.
    headers.delete("content-length");
    return new Response(toWeb(body), { status, headers });
  }
  const ahead = await readAhead(body, READ_AHEAD).catch(() => null);
  if (ahead === null) {
    // The head has come: whoever needs no more than that still hears of it.
    headers.delete("content-length");
    headers.set(EGRESS_HEADER, BROKEN_BODY);
    return new Response(null, { status, headers });
  }
  if ("whole" in ahead) return new Response(ahead.whole as Uint8Array<ArrayBuffer>, { status, headers });
  return new Response(ReadableStream.from(ahead.rest), { status, headers });
}

/** For servers that encode although they were asked not to. */
function decoderFor(encoding: string | null) {
  if (encoding === "gzip" || encoding === "x-gzip") return createGunzip();
  if (encoding === "deflate") return createInflate();
  return encoding === "br" ? createBrotliDecompress() : null;
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}

function refusal(error: EgressError): Response {
  const { status, text } = EGRESS_ANSWERS[error.reason];
  return Response.json(
    { error: error.reason },
    { status, statusText: text, headers: { [EGRESS_HEADER]: error.reason } },
  );
}

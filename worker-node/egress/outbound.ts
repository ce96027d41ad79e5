/** Answers the embedded Worker's own requests to the internet: one hop each, redirects are the Worker's to follow. */
import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { request as send } from "undici";
import { checkUrl } from "../../shared/url-guard.ts";
import { guardedDispatcher } from "./dispatcher.ts";
import { isHopByHop } from "./headers.ts";
import {
  EGRESS_ANSWERS,
  EGRESS_HEADER,
  EgressError,
  type EgressOptions,
  resolveEgress,
  toEgressError,
} from "./policy.ts";

export interface Outbound {
  /** Never rejects: a refusal is an answer with {@link EGRESS_HEADER}, the guard's own and nobody else's. */
  answer(request: Request): Promise<Response>;
  close(): Promise<void>;
}

const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

/** Without it workerd reaches every loopback spelling. */
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
    return toResponse(response, request.method);
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
  // Who relays a file knows the length of its plain bytes.
  headers["accept-encoding"] = "identity";
  return headers;
}

function toResponse(response: Awaited<ReturnType<typeof send>>, method: string): Response {
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
  if (decoder === null) return new Response(toWeb(response.body), { status, headers });
  headers.delete("content-encoding");
  headers.delete("content-length");
  response.body.on("error", (error) => decoder.destroy(error));
  return new Response(toWeb(response.body.pipe(decoder)), { status, headers });
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

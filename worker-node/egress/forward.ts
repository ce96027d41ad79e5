/** Plain HTTP through the proxy: `GET http://host/path` (RFC 9112 section 3.2.2). */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { ProxyAttempt } from "./attempt.ts";
import { passOn } from "./headers.ts";
import { IDLE_TIMEOUT_MS, MAX_HEADER_BYTES } from "./limits.ts";
import { EGRESS_ANSWERS, EGRESS_HEADER, EgressError, toEgressError } from "./policy.ts";
import type { Target } from "./resolve.ts";

const ABSOLUTE_FORM = /^http:\/\/(?:[^/?#@]*@)?([^/?#@]+)([^#]*)$/i;

/** Sends the request on and its answer back; streams both ways. */
export function forward(attempt: ProxyAttempt, request: IncomingMessage, response: ServerResponse): void {
  const destination = parseAbsolute(request.url ?? "");
  if (destination === null) {
    refuse(attempt, response, new EgressError("invalid", ""));
    return;
  }
  const { target, authority, path } = destination;
  const upstream = httpRequest({
    agent: attempt.agent,
    host: target.host,
    port: target.port,
    method: request.method ?? "GET",
    path,
    // The target's authority, not the client's Host header (RFC 9112 section 3.2.2).
    headers: [...passOn(request.rawHeaders, ["host"]), "Host", authority],
    maxHeaderSize: MAX_HEADER_BYTES,
    timeout: IDLE_TIMEOUT_MS,
  });
  upstream.on("timeout", () => upstream.destroy(new EgressError("timeout", target.host)));
  upstream.on("error", (error) => refuse(attempt, response, toEgressError(error, target.host)));
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, passOn(answer.rawHeaders, [EGRESS_HEADER]));
    // An answer that breaks off destroys the client's connection too: the tool must see that it was cut short.
    pipeline(answer, response, () => undefined);
  });
  response.on("close", () => {
    if (!response.writableFinished) upstream.destroy();
  });
  pipeline(request, upstream, () => undefined);
}

/** The guard's own answer; if another one has begun, all that is left is to cut it. */
function refuse(attempt: ProxyAttempt, response: ServerResponse, error: EgressError): void {
  attempt.noteRefusal(error);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, text } = EGRESS_ANSWERS[error.reason];
  const body = JSON.stringify({ error: error.reason });
  response.writeHead(status, text, {
    [EGRESS_HEADER]: error.reason,
    "content-type": "application/json",
    "content-length": body.length,
    // The request's body may not have been read.
    connection: "close",
  });
  response.end(body);
}

/** By hand and not by `new URL`: a signed path must go on as it came, dots and all. */
function parseAbsolute(url: string): { target: Target; authority: string; path: string } | null {
  const match = ABSOLUTE_FORM.exec(url);
  const authority = match?.[1];
  if (authority === undefined) return null;
  const target = parseAuthority(authority, 80);
  if (target === null) return null;
  const rest = match?.[2] ?? "";
  return { target, authority, path: rest.startsWith("/") ? rest : `/${rest}` };
}

/** `host:port`, `host`, `[v6]:port`. */
export function parseAuthority(authority: string, defaultPort: number): Target | null {
  const match = /^(\[[0-9a-f:.%]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(authority);
  const port = Number(match?.[2] ?? defaultPort);
  if (match?.[1] === undefined || port < 1 || port > 65_535) return null;
  return { host: match[1], port };
}

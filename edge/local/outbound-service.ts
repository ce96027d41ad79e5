/**
 * Where workerd takes what the Worker asks of the internet: a server of the host's on loopback, which workerd speaks to as to a
 * proxy. Miniflare has a way of its own for that (`outboundService` as a function), but what it hands on it does not wait for:
 * a client that reads a file of 1 GiB slowly had the whole of it lie in the host's memory, and a body that broke off came to
 * its end as if it were whole (docs/decisions/132).
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

/** Answers a request of the Worker's to the internet. Never rejects. */
export type Answer = (request: Request) => Promise<Response>;

export interface OutboundService {
  port: number;
  /** What each request must bear: the port is open to whoever is on this machine. */
  secret: string;
  close(): Promise<void>;
}

/** workerd is told to put it on each request; it goes no further. */
export const OUTBOUND_SECRET_HEADER = "x-trawl-outbound";
const MAX_HEADER_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than workerd keeps an idle connection, so that it never sends into one that is being closed. */
const KEEP_ALIVE_MS = 75_000;

export async function serveOutbound(answer: Answer): Promise<OutboundService> {
  const secret = randomBytes(32).toString("base64url");
  // To a proxy workerd sends no `Host`.
  const options = { maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    // What broke off ends with its connection, behind all that had come: the status counts, and the body is not whole.
    pass(answer, secret, request, response).catch(() => response.socket?.destroySoon());
  });
  // The Worker has its own limits, and a file may take longer than any.
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  return {
    port,
    secret,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function pass(
  answer: Answer,
  secret: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { [OUTBOUND_SECRET_HEADER]: told, ...headers } = incoming.headers;
  if (!isSame(told, secret)) {
    outgoing.writeHead(403).end();
    return;
  }
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const { method = "GET", url = "" } = incoming;
  const response = await answer(
    new Request(url, {
      method,
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
      body: method === "GET" || method === "HEAD" ? null : (Readable.toWeb(incoming) as RequestInit["body"] & object),
      // `duplex` is asked for by the fetch standard.
      duplex: "half",
      signal: gone.signal,
    } as RequestInit),
  );
  // Whose clock it is that the Worker reads there.
  outgoing.sendDate = false;
  outgoing.writeHead(response.status, [...response.headers].flat());
  for await (const piece of response.body ?? []) {
    // Waits where workerd waits, which waits where the client does.
    if (!outgoing.write(piece)) await once(outgoing, "drain", { signal: gone.signal });
  }
  outgoing.end();
}

function isSame(told: unknown, secret: string): boolean {
  const [one, other] = [Buffer.from(typeof told === "string" ? told : ""), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}

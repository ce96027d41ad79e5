import type { IncomingMessage, ServerResponse } from "node:http";
import type { Holds } from "./holds.ts";
import type { Visits } from "./visits.ts";

/** What the handlers of one running site share. */
export interface Site {
  readonly mediaDir: string;
  readonly holds: Holds;
  readonly visits: Visits;
}

/** One request on its way to an answer. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly site: Site;
  readonly url: URL;
  /** Aborts when the connection is gone or the site closes; every wait of a handler must end with it. */
  readonly signal: AbortSignal;
}

/** Answers with a short text. */
export function sendText(exchange: Exchange, status: number, text: string, headers: Record<string, string> = {}): void {
  const body = `${text}\n`;
  exchange.res.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  exchange.res.end(exchange.req.method === "HEAD" ? undefined : body);
}

/** Resolves when the connection is gone: the answer of a server that says nothing more. */
export function untilClosed(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

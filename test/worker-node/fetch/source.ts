/** A source of one file, as good as a server can be, until a test tells it to be otherwise. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { guardedDispatcher } from "../../../worker-node/egress/dispatcher.ts";
import { type EgressOptions, resolveEgress } from "../../../worker-node/egress/policy.ts";
import { HostSlots } from "../../../worker-node/fetch/hosts.ts";
import type { FetchWay } from "../../../worker-node/fetch/send.ts";
import { listen } from "../egress/harness.ts";

export interface Asked {
  path: string;
  headers: IncomingMessage["headers"];
  /** Of the `Range` header, end not included; null without one. */
  range: { start: number; end: number } | null;
}

/** What a test may do with a request; false: nothing, answer as usual. */
export type Twist = (asked: Asked, response: ServerResponse, nth: number) => boolean | Promise<boolean>;

export class Source {
  content: Buffer;
  /** Null: no ETag. */
  etag: string | null = '"v1"';
  lastModified: string | null = null;
  ranges = true;
  twist: Twist = () => false;
  readonly asked: Asked[] = [];
  running = 0;
  mostRunning = 0;
  sentBytes = 0;
  port = 0;
  readonly #server = createServer((request, response) => {
    const range = rangeOf(request.headers.range, this.content.length);
    const asked = { path: request.url ?? "", headers: request.headers, range };
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    response.once("close", () => {
      this.running--;
    });
    const nth = this.asked.push(asked);
    void (async () => {
      if (!(await this.twist(asked, response, nth))) this.send(asked, response);
    })();
  });

  constructor(content: Buffer) {
    this.content = content;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/file`;
  }

  async start(): Promise<this> {
    this.port = await listen(this.#server);
    return this;
  }

  /** The usual answer; `limit` bytes of the body, after which the connection is cut. */
  send(asked: Asked, response: ServerResponse, limit = Number.POSITIVE_INFINITY): void {
    const body = this.head(asked, response);
    if (body.length <= limit) {
      this.sentBytes += body.length;
      response.end(body);
      return;
    }
    this.sentBytes += limit;
    response.write(body.subarray(0, limit), () => response.destroy());
  }

  /** Writes the head; answers the body that it promises. */
  head(asked: Asked, response: ServerResponse): Buffer {
    const { content, etag, lastModified } = this;
    if (etag !== null) response.setHeader("etag", etag);
    if (lastModified !== null) response.setHeader("last-modified", lastModified);
    const condition = asked.headers["if-range"];
    const same = condition === undefined || condition === etag || condition === lastModified;
    const range = this.ranges && same ? asked.range : null;
    if (range !== null && range.start >= content.length) {
      response.writeHead(416, { "content-range": `bytes */${content.length}` });
      return Buffer.alloc(0);
    }
    const body = range === null ? content : content.subarray(range.start, range.end);
    response.setHeader("content-length", body.length);
    if (range !== null) response.setHeader("content-range", `bytes ${range.start}-${range.end - 1}/${content.length}`);
    response.writeHead(range === null ? 200 : 206);
    return body;
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    return closed;
  }
}

function rangeOf(header: string | undefined, size: number): Asked["range"] {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (match === null) return null;
  return { start: Number(match[1]), end: match[2] ? Math.min(size, Number(match[2]) + 1) : size };
}

/** The same bytes for the same seed, none like its neighbours. */
export function noise(bytes: number, seed = "a"): Buffer {
  const block = 32;
  const out = Buffer.alloc(Math.ceil(bytes / block) * block);
  for (let at = 0; at < out.length; at += block) createHash("sha256").update(`${seed}${at}`).digest().copy(out, at);
  return out.subarray(0, bytes);
}

/** A way out through the guard, with a limit of its own. */
export function wayOut(options: EgressOptions = { allowPrivate: true }, hosts = new HostSlots()) {
  const policy = resolveEgress(options);
  const dispatcher = guardedDispatcher(policy);
  const way: FetchWay = { dispatcher, hosts };
  return { way, close: () => dispatcher.destroy() };
}

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Exchange, type Site, sendText } from "./exchange.ts";
import { Holds } from "./holds.ts";
import { ensureMedia } from "./media.ts";
import { type LoggedRequest, RequestLog } from "./request-log.ts";
import { route } from "./routes.ts";
import { Visits } from "./visits.ts";

export interface OriginOptions {
  /** Defaults to one that is free. */
  readonly port?: number;
  /** Defaults to 127.0.0.1. */
  readonly host?: string;
  /** Folder in which generated media are kept. Defaults to `.cache/origin` of the checkout. */
  readonly mediaDir?: string;
  /** Stops the making of media, if that is still going on. */
  readonly signal?: AbortSignal;
}

/** A running site. */
export interface Origin {
  /** Without a slash at the end: `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly port: number;
  /** Oldest first; the newest 10,000. */
  readonly requests: readonly LoggedRequest[];
  /** How many answers are being given at this moment. */
  readonly inFlight: number;
  /** Resolves with the `count`th (default: first) request whose path starts so; at once if it has already come. */
  waitForRequest(pathPrefix: string, count?: number): Promise<LoggedRequest>;
  /**
   * Resolves when `count` (default: 1) answers of `/hold/<key>/` have come to their stop. yt-dlp opens a direct file
   * twice, first to see what it is, so its download is the second.
   */
  waitForHeld(key: string, count?: number): Promise<void>;
  /** Lets `/hold/<key>/` go on, now and from now on. */
  release(key: string): void;
  /** Resolves when no answer is being given: every client has what it wanted, or has hung up. */
  idle(): Promise<void>;
  /** Destroys all connections and ends all waits. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts a local media site; `routes.ts` has its map. The media are made first if they are not there (about 10 s).
 *
 * @throws if ffmpeg is missing or fails, or the port is taken.
 * @example
 * await using closing = new AsyncDisposableStack();
 * const origin = closing.adopt(await startOrigin(), (o) => o.close());
 * await fetch(`${origin.url}/slow/20000/video-360.mp4`);
 */
export async function startOrigin(options: OriginOptions = {}): Promise<Origin> {
  const { port = 0, host = "127.0.0.1", mediaDir, signal } = options;
  const site: Site = {
    mediaDir: await ensureMedia({ ...(mediaDir ? { cacheDir: mediaDir } : {}), ...(signal ? { signal } : {}) }),
    holds: new Holds(),
    visits: new Visits(),
  };
  const log = new RequestLog();
  const running = new Set<Promise<void>>();

  const server = createServer((req, res) => {
    const answering = answer(req, res, site, log).finally(() => running.delete(answering));
    running.add(answering);
  });
  // A test may freeze a connection for as long as it likes.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the site has no port");

  const idle = async () => {
    while (running.size > 0) await Promise.all(running);
  };
  return {
    url: `http://${host}:${bound.port}`,
    port: bound.port,
    requests: log.entries,
    get inFlight() {
      return running.size;
    },
    waitForRequest: (pathPrefix, count = 1) => log.waitFor(pathPrefix, count),
    waitForHeld: (key, count = 1) => site.holds.held(key, count),
    release: (key) => site.holds.release(key),
    idle,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      log.close();
      site.holds.close();
      await closed;
      await idle();
    },
  };
}

/** Never rejects: an answer that fails is reported on stderr, unless it failed because its client has gone. */
async function answer(req: IncomingMessage, res: ServerResponse, site: Site, log: RequestLog): Promise<void> {
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  const url = URL.parse(`http://${req.headers.host ?? "localhost"}${req.url}`);
  if (!url) {
    res.writeHead(400).end();
    return;
  }
  const exchange: Exchange = { req, res, site, url, signal: gone.signal };
  try {
    if (control(exchange, log)) return;
    log.add(req);
    await route(exchange);
  } catch (error) {
    if (gone.signal.aborted) return;
    process.stderr.write(`origin: ${req.method} ${req.url}: ${error instanceof Error ? error.stack : String(error)}\n`);
    if (res.headersSent) res.destroy();
    else sendText(exchange, 500, "the test site failed; see its stderr");
  }
}

function control(exchange: Exchange, log: RequestLog): boolean {
  const { req, res, site, url } = exchange;
  const [, name, key] = url.pathname.split("/");
  if (req.method === "POST" && name === "release" && key) {
    site.holds.release(key);
    sendText(exchange, 200, `released ${key}`);
    return true;
  }
  if (req.method === "GET" && url.pathname === "/requests") {
    res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(log.entries));
    return true;
  }
  return false;
}

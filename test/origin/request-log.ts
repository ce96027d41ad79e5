import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** The oldest entries go first; a test that needs more than this wants a counter, not a log. */
const MAX_LOGGED_REQUESTS = 10_000;

export interface LoggedRequest {
  readonly method: string;
  /** Path with its query, as sent. */
  readonly path: string;
  readonly range: string | null;
  readonly userAgent: string | null;
  /** To check what was sent along, and after a redirect what was not: cookies, Authorization, Referer. */
  readonly headers: IncomingHttpHeaders;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Waiter {
  readonly prefix: string;
  count: number;
  readonly found: PromiseWithResolvers<LoggedRequest>;
}

/** What was asked of the site, and a way to wait for it. */
export class RequestLog {
  readonly entries: LoggedRequest[] = [];
  #waiters: Waiter[] = [];

  add(req: IncomingMessage): void {
    const entry: LoggedRequest = {
      method: req.method ?? "GET",
      path: req.url ?? "/",
      range: req.headers.range ?? null,
      userAgent: req.headers["user-agent"] ?? null,
      headers: req.headers,
      at: Date.now(),
    };
    this.entries.push(entry);
    if (this.entries.length > MAX_LOGGED_REQUESTS) this.entries.shift();
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!entry.path.startsWith(waiter.prefix)) return true;
      waiter.count -= 1;
      if (waiter.count > 0) return true;
      waiter.found.resolve(entry);
      return false;
    });
  }

  /** Resolves with the `count`th logged request whose path starts with `prefix`; at once if it has already come. */
  waitFor(prefix: string, count: number): Promise<LoggedRequest> {
    const seen = this.entries.filter((entry) => entry.path.startsWith(prefix));
    const already = seen[count - 1];
    if (already) return Promise.resolve(already);
    const found = Promise.withResolvers<LoggedRequest>();
    this.#waiters.push({ prefix, count: count - seen.length, found });
    return found.promise;
  }

  /** Fails those who still wait, so that a test ends with a reason and not with its time limit. */
  close(): void {
    for (const { prefix, count, found } of this.#waiters) {
      found.reject(new Error(`the site closed; ${count} more requests for ${prefix} were awaited`));
    }
    this.#waiters = [];
  }
}

import { type Exchange, sendText } from "../exchange.ts";
import type { Resource } from "../resource.ts";
import { sendResource } from "../send.ts";

/** The cookie that opens `/cookie/`. */
const SESSION_COOKIE = "session=open";

/** `/cookie/<file>`: 403 without the session cookie. */
export function cookie(exchange: Exchange, _: readonly string[], file: Resource): Promise<void> | void {
  const sent = (exchange.req.headers.cookie ?? "").split(/; */);
  return sent.includes(SESSION_COOKIE) ? sendResource(exchange, file) : sendText(exchange, 403, "sign in first");
}

/** `/header/<file>`: 403 without a Referer. */
export function header(exchange: Exchange, _: readonly string[], file: Resource): Promise<void> | void {
  return exchange.req.headers.referer ? sendResource(exchange, file) : sendText(exchange, 403, "no hotlinking");
}

/** `/norange/<file>`: an old server that sends the whole, whatever Range says. */
export function norange(exchange: Exchange, _: readonly string[], file: Resource): Promise<void> {
  return sendResource(exchange, file, { ranges: false });
}

const REASONS: Readonly<Record<string, string>> = {
  "403": "This video is private",
  "404": "Page not found",
  "410": "This video has been removed by its owner",
};

/** `/private/<code>`: the page that a site shows instead of the video. */
export function unavailable(exchange: Exchange, [code = "403"]: readonly string[]): void {
  const reason = REASONS[code] ?? "This video is unavailable";
  sendText(exchange, Number(code), `<!doctype html><title>${reason}</title><h1>${reason}</h1>`, {
    "content-type": "text/html; charset=utf-8",
  });
}

/** `/status/<code>/<file>`: always this status, whether or not there is such a file. */
export function status(exchange: Exchange, [code]: readonly string[]): void {
  sendText(exchange, Number(code), `status ${code}`);
}

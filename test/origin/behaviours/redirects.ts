import { type Exchange, sendText } from "../exchange.ts";

/** `/redirect/<code>/<path…>`: to a path of this site, its query kept. */
export function redirect(exchange: Exchange, [code]: readonly string[], path: string): void {
  send(exchange, Number(code), `/${path}${exchange.url.search}`);
}

/** `/redirect-to?url=…&code=…`: anywhere, also where no server should let itself be sent. 302 by default. */
export function redirectTo(exchange: Exchange): void {
  const { searchParams } = exchange.url;
  const target = searchParams.get("url");
  if (target) send(exchange, Number(searchParams.get("code") ?? 302), target);
  else sendText(exchange, 400, "url is missing");
}

/** `/redirect-chain/<n>/<path…>`: n redirects in a row, then the path. */
export function redirectChain(exchange: Exchange, [hops]: readonly string[], path: string): void {
  const left = Number(hops) - 1;
  send(exchange, 302, left > 0 ? `/redirect-chain/${left}/${path}` : `/${path}`);
}

/** `/redirect-loop`: to itself. The number makes each address a new one, for clients that only compare addresses. */
export function redirectLoop(exchange: Exchange): void {
  send(exchange, 302, `/redirect-loop?hop=${Number(exchange.url.searchParams.get("hop") ?? 0) + 1}`);
}

function send(exchange: Exchange, code: number, location: string): void {
  sendText(exchange, code, `see ${location}`, { location });
}

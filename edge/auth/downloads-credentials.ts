/**
 * The downloads API takes a key from more places than the jobs API, because its front ends are simple: an `<img>` or a
 * `<video>` can send no header. In this order: `x-api-key`, `Authorization: Bearer`, `Basic` with the key as password
 * (the user name is not looked at), `?apikey=`.
 */
import { AppError } from "../app-error.ts";
import { presentedKey } from "./authenticate.ts";
import { fromBase64Url } from "./signing.ts";

export interface PresentedCredential {
  /** Null: none at all. */
  key: string | null;
  /** A browser sends these by itself, from whatever page the request comes. */
  basic: boolean;
}

export function downloadsCredential(request: Request): PresentedCredential {
  const header = presentedKey(request.headers);
  if (header !== null) return { key: header, basic: false };
  const password = basicPassword(request.headers.get("authorization"));
  if (password !== null) return { key: password, basic: true };
  const query = new URL(request.url).searchParams.get("apikey");
  return { key: query === "" ? null : query, basic: false };
}

/** Standard or url-safe alphabet, padded or not; split at the first colon (RFC 7617). */
function basicPassword(authorization: string | null): string | null {
  const encoded = /^Basic +(\S+) *$/i.exec(authorization ?? "")?.[1];
  const bytes = encoded === undefined ? null : fromBase64Url(encoded);
  if (bytes === null) return null;
  const text = new TextDecoder().decode(bytes);
  const password = text.slice(text.indexOf(":") + 1);
  return text.includes(":") && password !== "" ? password : null;
}

/**
 * Refuses what another site's page makes a browser send along with its remembered Basic credentials. Reads pass: without
 * CORS credentials no other page sees their answers.
 *
 * @param origins by which this server is reached.
 * @throws AppError 403
 */
export function refuseCrossOrigin(request: Request, origins: readonly string[]): void {
  if (request.method === "GET" || request.method === "HEAD") return;
  // A browser says where the request comes from, and knows it better than a proxy lets us see our own address.
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const own = site === null ? origin === null || origins.includes(origin) : site === "same-origin" || site === "none";
  if (!own) throw new AppError("forbidden", "Basic credentials are not accepted from another origin");
}

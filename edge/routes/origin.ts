import type { Env } from "../env.ts";

/** The address by which the client reached us; forwarded headers count only behind a proxy that the operator trusts. */
export function requestOrigin(request: Request, env: Env): string {
  const url = new URL(request.url);
  if (env.TRAWL_TRUST_PROXY === "1") {
    const proto = request.headers.get("x-forwarded-proto")?.split(",")[0]?.trim();
    const host = request.headers.get("x-forwarded-host")?.split(",")[0]?.trim();
    if (host) return `${proto === "https" ? "https" : proto === "http" ? "http" : url.protocol.slice(0, -1)}://${host}`;
  }
  return url.origin;
}

/** Base of the URLs we give out: the operator's word first, then how the client came. */
export function publicOrigin(env: Env, requested: string): string {
  return (env.TRAWL_PUBLIC_URL ?? requested).replace(/\/+$/, "");
}

/** Base of file URLs, which may live on an origin of their own. */
export function filesOrigin(env: Env, requested: string): string {
  return (env.TRAWL_FILES_URL ?? publicOrigin(env, requested)).replace(/\/+$/, "");
}

/**
 * Where a client is, for limits that are counted by address. Behind a trusted proxy it is what that proxy saw, the last of
 * the list. On Cloudflare it is the platform's header. The embedded stack is not told: its socket has nothing before it, so
 * that header, and `request.cf` too (Miniflare takes it from `MF-CF-Blob`), would be the client's own word, and everybody
 * is counted together.
 */
export function clientAddress(request: Request, env: Env): string {
  const { headers } = request;
  const embedded = env.STORE !== undefined;
  if (env.TRAWL_TRUST_PROXY === "1") return headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  return embedded ? "" : (headers.get("cf-connecting-ip") ?? "");
}

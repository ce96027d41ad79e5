/**
 * `PUT /_store/u/…` on the public port, for nodes on other hosts: passed on to the disk service as it is. The service
 * checks the signature. Its control calls are out of reach from here, whatever a path looks like.
 */
import type { StoreService } from "./disk.ts";
import { isPartPath } from "./part-signature.ts";

/** Null: not a part upload, so not ours to answer. */
export function proxyPartPut(request: Request, service: StoreService): Promise<Response> | null {
  const url = new URL(request.url);
  if (request.method !== "PUT" || !isPartPath(url.pathname)) return null;
  const headers = new Headers();
  const length = request.headers.get("content-length");
  // Lets the service refuse a part that is too long before its first byte.
  if (length !== null) headers.set("content-length", length);
  // `duplex` is asked for by the fetch standard and unknown to workerd's types.
  const init: RequestInit & { duplex: "half" } = {
    method: "PUT",
    headers,
    body: request.body,
    redirect: "manual",
    duplex: "half",
  };
  return service.fetch(`http://store${url.pathname}${url.search}`, init);
}

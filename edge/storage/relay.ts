/**
 * Parts that pass through the edge, for stores that have no URL to give away: `PUT /_store/r/<grant>`. The grant is signed,
 * names one part of one upload, and is held against the partition before a byte goes on: the upload must still be live.
 */
import { signerOf } from "../auth/signing.ts";
import type { Env } from "../env.ts";
import { openManagedStore, openStore } from "./open-store.ts";
import { RELAY_PREFIX, type RelayGrant } from "./relay-grant.ts";
import { StoreError } from "./store-error.ts";

/** Null: not a relayed part, so not ours to answer. */
export function relayPart(request: Request, env: Env): Promise<Response> | null {
  const { pathname } = new URL(request.url);
  if (request.method !== "PUT" || !pathname.startsWith(RELAY_PREFIX)) return null;
  return relay(request, env, pathname.slice(RELAY_PREFIX.length));
}

async function relay(request: Request, env: Env, sealed: string): Promise<Response> {
  const grant = (await signerOf(env).open("part-url", sealed)) as RelayGrant | null;
  if (grant === null || grant.until <= Date.now()) return refusal(403, "AccessDenied");
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (!Number.isSafeInteger(length)) return refusal(411, "MissingContentLength");
  if (length > grant.max) return refusal(413, "EntityTooLarge");
  const md5 = request.headers.get("content-md5");
  // Without this a node, or a line, could lose the header and with it the check.
  if (grant.digest === "content-md5" && md5 === null) return refusal(400, "MissingRequiredHeader");
  const upload = await env.PARTITION.getByName(grant.partition).relayedUpload(grant.job, grant.uploadId);
  if (upload === null) return refusal(404, "NoSuchUpload");
  const store = upload.storage === null ? openManagedStore(env) : openStore(upload.storage, env);
  try {
    if (store.putPart === undefined) return refusal(404, "NoSuchUpload");
    const etag = await store.putPart({
      uploadId: grant.uploadId,
      key: upload.storeKey,
      partNumber: grant.part,
      size: length,
      body: request.body ?? new Uint8Array(),
      md5,
    });
    return new Response(null, { status: 200, headers: { ETag: etag } });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return refusal(error.fault === "unavailable" ? 503 : 400, error.code);
  }
}

/** In the words of a bucket, which nodes read already. */
function refusal(status: number, code: string): Response {
  return Response.json({ error: code }, { status });
}

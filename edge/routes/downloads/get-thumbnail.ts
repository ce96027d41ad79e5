import { AppError } from "../../app-error.ts";
import { sha256Hex } from "../../auth/api-keys.ts";
import { urlPolicy } from "../../env.ts";
import type { FileRow } from "../../partition/drain.ts";
import { StoreError } from "../../storage/store-error.ts";
import type { Endpoint } from "../endpoint.ts";
import { reachStore } from "../files/file-urls.ts";
import type { AppContext } from "../http.ts";
import type { JobSource } from "../jobs/job-view.ts";
import { downloadIdOf, readDownloadJob } from "./download-access.ts";
import { sourceThumbnail } from "./download-view.ts";
import { fetchPicture } from "./fetch-picture.ts";
import { MAX_PICTURE_BYTES, pictureType, readPicture } from "./picture.ts";

/** How long a fetched thumbnail is kept, and how long a browser may keep any. */
const FETCHED_TTL_SECONDS = 24 * 60 * 60;
const BROWSER_TTL_SECONDS = 60 * 60;

/** `GET`, `HEAD` `/api/thumbnails/{id}`: the saved thumbnail, else the source's. */
export const getThumbnail: Endpoint = {
  operationId: "get-thumbnail",
  method: "GET",
  path: "/api/thumbnails/:id",
  summary: "A download's thumbnail",
  scope: "jobs:read",
  async handler(context) {
    const source = await readDownloadJob(context, downloadIdOf(context));
    const bytes = (await savedPicture(context, source)) ?? (await sourcePicture(context, source));
    const type = bytes === null ? null : pictureType(bytes);
    if (bytes === null || type === null) throw new AppError("not_found", "Thumbnail not found");
    const headers = {
      "Content-Type": type,
      "Content-Length": String(bytes.length),
      "X-Content-Type-Options": "nosniff",
      "Content-Security-Policy": "sandbox; default-src 'none'",
      "Cache-Control": `private, max-age=${BROWSER_TTL_SECONDS}`,
    };
    return new Response(context.req.method === "HEAD" ? null : bytes, { headers });
  },
};

async function savedPicture(context: AppContext, { row, files }: JobSource): Promise<Uint8Array<ArrayBuffer> | null> {
  const own = (file: FileRow) => file.kind === "thumbnail" && file.deleted_at === null;
  const file = row.role === "parent" ? undefined : files.find(own);
  if (file === undefined || file.size > MAX_PICTURE_BYTES) return null;
  const store = await reachStore(context.env, row.account_id, file.target_id);
  if (store === null) return null;
  try {
    // A file that was removed or changed by hand is never served as the one we wrote.
    const body = await store.read(file.store_key, null, file.etag);
    const bytes = body === null ? null : await readPicture(body);
    return bytes === null || pictureType(bytes) === null ? null : bytes;
  } catch (error) {
    // There is still the source's.
    if (error instanceof StoreError) return null;
    throw error;
  }
}

/** Kept by job: the caller was asked for its key before, and a picture that one account sees tells another nothing. */
async function sourcePicture(context: AppContext, { row }: JobSource): Promise<Uint8Array<ArrayBuffer> | null> {
  const policy = urlPolicy(context.env);
  const url = sourceThumbnail(row, policy);
  if (url === null) return null;
  const key = `https://thumbnails.invalid/${row.id}/${await sha256Hex(url)}`;
  const known = await caches.default.match(key);
  if (known !== undefined) return new Uint8Array(await known.arrayBuffer());
  const bytes = await fetchPicture(url, policy);
  if (bytes === null) return null;
  const kept = new Response(bytes, { headers: { "Cache-Control": `max-age=${FETCHED_TTL_SECONDS}` } });
  context.executionCtx.waitUntil(caches.default.put(key, kept));
  return bytes;
}

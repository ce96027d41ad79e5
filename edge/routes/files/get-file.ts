import { AppError } from "../../app-error.ts";
import { signerOf } from "../../auth/signing.ts";
import { findFile, partitionOf } from "../../db/jobs.ts";
import type { FileRow } from "../../partition/drain.ts";
import { openManagedStore } from "../../storage/open-store.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AppContext } from "../http.ts";
import { partitionStub } from "../jobs/job-access.ts";
import { openFileUrl } from "./file-url.ts";
import { conditionalStatus, parseRange } from "./ranges.ts";

/** `GET`, `HEAD` of a managed file (jobs API 11.2): signed path, no key, one byte range. */
export const getFile: Endpoint = {
  operationId: "get-file",
  method: "GET",
  path: "/f/:ids/*",
  summary: "Fetch a delivered file by its signed URL",
  scope: null,
  async handler(context) {
    const link = await openFileUrl(signerOf(context.env), new URL(context.req.url), Date.now());
    const file = link === null ? null : await locate(context, link.account, link.fileId);
    if (link === null || file === null || file.deleted_at !== null || file.path !== link.key) throw badLink();
    const store = openManagedStore(context.env);
    const head = await store.head(file.store_key);
    // A file that was removed or changed by hand is never served as the one we wrote.
    if (head === null || head.etag !== file.etag) throw new AppError("not_found", "File no longer exists");
    const headers = fileHeaders(file);
    const conditional = conditionalStatus(context.req.raw.headers, file.etag);
    if (conditional !== null) return new Response(null, { status: conditional, headers });
    const range = parseRange(context.req.raw.headers, file.size, file.etag);
    if (range === "unsatisfiable") {
      headers.set("Content-Range", `bytes */${file.size}`);
      return new Response(null, { status: 416, headers });
    }
    const length = range === null ? file.size : range.length;
    headers.set("Content-Length", String(length));
    if (range !== null)
      headers.set("Content-Range", `bytes ${range.offset}-${range.offset + range.length - 1}/${file.size}`);
    const status = range === null ? 200 : 206;
    if (context.req.method === "HEAD") return new Response(null, { status, headers });
    const body = await store.read(file.store_key, range);
    if (body === null) throw new AppError("not_found", "File no longer exists");
    return new Response(fixedLength(body, length), { status, headers });
  },
};

function badLink(): AppError {
  return new AppError("forbidden", "Link is invalid or has expired");
}

/** D1 has it, or the partition still does: a URL works from the moment that it was given out. */
async function locate(context: AppContext, account: string, fileId: string): Promise<FileRow | null> {
  const partition = await partitionOf(context.env.DB, account);
  // A deleted account voids its URLs.
  if (partition === null) return null;
  return (
    (await findFile(context.env.DB, account, fileId)) ??
    (await partitionStub(context.env, partition).readFile(account, fileId))
  );
}

function fileHeaders(file: FileRow): Headers {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  return new Headers({
    "Content-Type": file.content_type,
    "Content-Disposition": `inline; filename="${ascii}"; filename*=UTF-8''${encodeRfc5987(name)}`,
    ETag: file.etag,
    "Last-Modified": new Date(file.created_at).toUTCString(),
    "Accept-Ranges": "bytes",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'",
    "Cache-Control": "private, max-age=0",
  });
}

/** RFC 8187: what `encodeURIComponent` leaves bare and the grammar does not allow. */
function encodeRfc5987(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A known length is sent as `Content-Length`; without this the runtime would send chunks. */
function fixedLength(body: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(length);
  body.pipeTo(writable).catch(() => {});
  return readable;
}

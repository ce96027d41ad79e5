/** A file as an answer of ours, managed or relayed: conditions, one byte range, headers that keep a stranger's bytes harmless (jobs API 11.2). */
import { AppError } from "../../app-error.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { AppContext } from "../http.ts";
import { reachStore } from "./file-urls.ts";
import { conditionalStatus, parseRange } from "./ranges.ts";
import { storeAway } from "./store-away.ts";

/** What is served, whoever put it there. */
export type ServedFile = Pick<
  FileRow,
  "account_id" | "target_id" | "path" | "store_key" | "etag" | "size" | "content_type" | "created_at"
>;

/**
 * Answers `GET` and `HEAD` with the file's bytes.
 *
 * @param disposition of {@link inline} or {@link named}.
 * @throws AppError 404 for an object that is gone or no longer the one we wrote; 412, 416
 */
export async function serveFile(context: AppContext, file: ServedFile, disposition: string): Promise<Response> {
  const gone = new AppError("not_found", "File no longer exists");
  const store = await reachStore(context.env, file.account_id, file.target_id);
  if (store === null) throw gone;
  const head = await store.head(file.store_key).catch(rethrow);
  // A file that was removed or changed by hand is never served as the one we wrote.
  if (head === null || head.etag !== file.etag) throw gone;
  const headers = fileHeaders(file, disposition);
  const version = { etag: file.etag, modified: file.created_at };
  const conditional = conditionalStatus(context.req.raw.headers, version);
  if (conditional === 304) return new Response(null, { status: 304, headers });
  if (conditional === 412) {
    throw new AppError("precondition_failed", "File has changed", { headers: { ETag: file.etag } });
  }
  // Ranges mean nothing to HEAD (RFC 9110 section 14.2).
  const ranged = context.req.method === "GET";
  const range = ranged ? parseRange(context.req.raw.headers, file.size, version) : null;
  if (range === "unsatisfiable") {
    throw new AppError("range_not_satisfiable", "Range not satisfiable", {
      headers: { "Content-Range": `bytes */${file.size}`, "Accept-Ranges": "bytes", ETag: file.etag },
    });
  }
  const length = range === null ? file.size : range.length;
  headers.set("Content-Length", String(length));
  if (range !== null)
    headers.set("Content-Range", `bytes ${range.offset}-${range.offset + range.length - 1}/${file.size}`);
  const status = range === null ? 200 : 206;
  if (context.req.method === "HEAD") return new Response(null, { status, headers });
  const body = await store.read(file.store_key, range, file.etag).catch(rethrow);
  if (body === null) throw gone;
  return new Response(fixedLength(body, length), { status, headers });
}

function rethrow(error: unknown): never {
  throw storeAway(error);
}

/** To be shown (or saved) under its own name, with a plain spelling beside it for old clients. */
export function inline(file: Pick<FileRow, "path">, kind: "inline" | "attachment" = "inline"): string {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encodeRfc8187(name)}`;
}

/** Under a name of the surface's own. */
export function named(kind: "inline" | "attachment", name: string): string {
  return `${kind}; filename*=UTF-8''${encodeRfc8187(name)}`;
}

function fileHeaders(file: ServedFile, disposition: string): Headers {
  return new Headers({
    "Content-Type": file.content_type,
    "Content-Disposition": disposition,
    ETag: file.etag,
    "Last-Modified": new Date(file.created_at).toUTCString(),
    "Accept-Ranges": "bytes",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'",
    "Cache-Control": "private, max-age=0",
  });
}

/** What `encodeURIComponent` leaves bare and the grammar of RFC 8187 does not allow. */
function encodeRfc8187(name: string): string {
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

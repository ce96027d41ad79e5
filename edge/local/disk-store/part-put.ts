/** `PUT /_store/u/<upload>/<part>?max&exp&sig`: one part from a node, direct or through the Worker. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { IN_PLACE_HEADER } from "../../../shared/in-place.ts";
import { type PartGrant, type PartKey, verifyPartUrl } from "../../storage/part-signature.ts";
import { errnoCode, isErrno } from "./errno.ts";
import { RefusedError } from "./errors.ts";
import { LINGER_SIGNED_BYTES, LINGER_STRANGER_BYTES } from "./limits.ts";
import { PartTooLargeError, writePart } from "./part-writer.ts";
import { refuse, sendJson } from "./refuse.ts";
import type { PartRecord, Upload } from "./upload.ts";
import type { Uploads } from "./uploads.ts";

export interface PartPutDeps {
  uploads: Uploads;
  partKey: PartKey;
  now: () => number;
}

/**
 * 200 with the part's ETag; 403 bad or expired link, 409 upload closed or unknown, or a claim of bytes that are not there,
 * 413 too long, 507 disk full.
 */
export async function putPart(
  deps: PartPutDeps,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const grant = await verifyPartUrl(deps.partKey, url);
  if (grant === null || grant.expiresAt < deps.now()) {
    refuse(request, response, 403, "bad_link", LINGER_STRANGER_BYTES);
    return;
  }
  try {
    const part = await receive(deps, grant, request);
    response.setHeader("etag", `"${part.tag}"`);
    sendJson(response, 200, { size: part.size });
  } catch (error) {
    const { status, code } = partFault(error);
    refuse(request, response, status, code, LINGER_SIGNED_BYTES);
  }
}

async function receive(deps: PartPutDeps, grant: PartGrant, request: IncomingMessage): Promise<PartRecord> {
  const upload = deps.uploads.get(grant.uploadId);
  if (upload === undefined || upload.closed) throw new RefusedError(409, "upload_closed");
  const maxBytes = roomFor(upload, grant);
  const length = request.headers[IN_PLACE_HEADER] ?? request.headers["content-length"] ?? 0;
  if (Number(length) > maxBytes) throw new RefusedError(413, "part_too_large");
  upload.touched = deps.now();

  const older = upload.open.get(grant.partNumber);
  const done = older === undefined ? Promise.resolve() : older.cut();
  const work = done.then(() => write(upload, grant, maxBytes, request));
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  const open = {
    cut: () => {
      request.destroy();
      return settled;
    },
  };
  // Set before the first await: a commit or a newer try of this part must find it.
  upload.open.set(grant.partNumber, open);
  try {
    return await work;
  } finally {
    if (upload.open.get(grant.partNumber) === open) upload.open.delete(grant.partNumber);
    upload.touched = deps.now();
  }
}

async function write(upload: Upload, grant: PartGrant, maxBytes: number, request: IncomingMessage) {
  if (upload.closed) throw new RefusedError(409, "upload_closed");
  const claimed = claimOf(request);
  const offset = (grant.partNumber - 1) * upload.record.part_size;
  const file = await upload.openData();
  let part: PartRecord;
  try {
    // Only who may write into our folder can have put them there; the commit hashes the whole like any other.
    const there = claimed === null ? null : await file.stat({ bigint: true });
    if (there !== null && there.size < offset + (claimed ?? 0)) throw new RefusedError(409, "not_in_place");
    await upload.forgetPart(grant.partNumber);
    part =
      claimed === null || there === null
        ? await writePart(request, file, { offset, maxBytes, hashed: upload.single })
        : { size: claimed, tag: randomUUID(), sha256: null, claimed_at: String(there.mtimeNs) };
  } finally {
    await file.close();
  }
  // Closed meanwhile, and all of the body was here already: the commit did not count on this part.
  if (upload.closed) throw new RefusedError(409, "upload_closed");
  await upload.recordPart(grant.partNumber, part);
  return part;
}

/** How many bytes of the part a node of this machine has put into the file itself; null: they are sent. */
function claimOf(request: IncomingMessage): number | null {
  const claimed = request.headers[IN_PLACE_HEADER];
  if (claimed === undefined) return null;
  if (typeof claimed !== "string" || !/^\d{1,15}$/.test(claimed)) throw new RefusedError(400, "bad_claim");
  return Number(claimed);
}

/** The signed maximum, and never past the end of the part or of a file whose size is known. */
function roomFor(upload: Upload, grant: PartGrant): number {
  const { size, part_size } = upload.record;
  const rest = size === null ? Number.POSITIVE_INFINITY : Math.max(0, size - (grant.partNumber - 1) * part_size);
  return Math.min(grant.maxBytes, part_size, rest);
}

function partFault(error: unknown): { status: number; code: string } {
  if (error instanceof RefusedError) return error;
  if (error instanceof PartTooLargeError) return { status: 413, code: "part_too_large" };
  if (isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT")) return { status: 507, code: "disk_full" };
  // The temp file is gone: aborted in this very moment.
  if (isErrno(error, "ENOENT")) return { status: 409, code: "upload_closed" };
  return { status: 503, code: errnoCode(error) };
}

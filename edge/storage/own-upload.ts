/** What the stores behind one bucket's name have in common: how an upload is cut and named, and whose an object is. */
import { toHex } from "../../shared/hex.ts";
import { maxUploadBytes, type PartRoute, partSize } from "./part-size.ts";
import type { CommitRequest, CommitResult } from "./port.ts";
import { StoreError } from "./store-error.ts";

/**
 * Part size and nonce of a new upload; the nonce is drawn for this upload alone.
 *
 * @throws StoreError `too_large`
 */
export function planUpload(bytes: number | null, route: PartRoute): { size: number; nonce: string } {
  const size = partSize(bytes, route);
  if (bytes !== null && bytes > maxUploadBytes(size, route)) throw new StoreError("too_large", "permanent");
  return { size, nonce: toHex(crypto.getRandomValues(new Uint8Array(16))) };
}

/** An object as it tells of itself. */
export interface Seen {
  size: number;
  etag: string;
  job: string | null | undefined;
  /** Nonce of the upload that made it. */
  upload: string | null | undefined;
}

/** What an object under the key means for a commit: ours only if this very upload made it (docs/decisions/022). */
export function verdict(seen: Seen, request: CommitRequest, nonce: string): CommitResult {
  if (seen.job !== request.job || seen.upload !== nonce) return { kind: "taken" };
  if (seen.size !== request.size) return { kind: "refused", code: "wrong_size", permanent: false };
  return { kind: "committed", key: request.key, size: seen.size, etag: seen.etag };
}

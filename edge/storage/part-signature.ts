/**
 * Signed part URLs of the disk store. The Worker signs, the service verifies, both by this file, so that the signed
 * text is written down once. WebCrypto only: it runs on either side.
 */
import { toHex } from "../../shared/hex.ts";

/** Parts are put here, on the service itself and on the Worker's public port alike. */
const PART_PATH_PREFIX = "/_store/u/";

/** The types of Workers and of Node know WebCrypto's key under different names. */
export type PartKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** What a part URL permits: one method (PUT), one part of one upload, so many bytes, until then. */
export interface PartGrant {
  uploadId: string;
  partNumber: number;
  maxBytes: number;
  /** Unix time, milliseconds. */
  expiresAt: number;
}

const PART_PATH = /^\/_store\/u\/([0-9a-f]{32})\/([1-9]\d{0,4})$/;
const NUMBER = /^(0|[1-9]\d{0,15})$/;
const SIGNATURE = /^[0-9a-f]{64}$/;
const encoder = new TextEncoder();

/** The label keeps these signatures apart from any other use of the same secret. */
function signedText(grant: PartGrant): Uint8Array<ArrayBuffer> {
  const { uploadId, partNumber, maxBytes, expiresAt } = grant;
  return new Uint8Array(
    encoder.encode(["trawl-store-part", "PUT", uploadId, partNumber, maxBytes, expiresAt].join("\n")),
  );
}

/** The HMAC key for {@link partUrlPath} and {@link verifyPartUrl}. */
export function importPartKey(secret: string): Promise<PartKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign", "verify"]);
}

/** Path and query of a signed part URL. */
export async function partUrlPath(key: PartKey, grant: PartGrant): Promise<string> {
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, signedText(grant)));
  const hex = toHex(signature);
  const query = `max=${grant.maxBytes}&exp=${grant.expiresAt}&sig=${hex}`;
  return `${PART_PATH_PREFIX}${grant.uploadId}/${grant.partNumber}?${query}`;
}

/** Whether the path is that of a part at all; the query is not looked at. */
export function isPartPath(pathname: string): boolean {
  return PART_PATH.test(pathname);
}

/**
 * The grant that a URL proves, or null if it proves none. Expiry is the caller's to compare, as it owns the clock.
 * `subtle.verify` compares in constant time.
 */
export async function verifyPartUrl(key: PartKey, url: URL): Promise<PartGrant | null> {
  const path = PART_PATH.exec(url.pathname);
  const max = url.searchParams.get("max") ?? "";
  const exp = url.searchParams.get("exp") ?? "";
  const sig = url.searchParams.get("sig") ?? "";
  if (path?.[1] === undefined || path[2] === undefined) return null;
  if (!NUMBER.test(max) || !NUMBER.test(exp) || !SIGNATURE.test(sig)) return null;
  const grant = { uploadId: path[1], partNumber: Number(path[2]), maxBytes: Number(max), expiresAt: Number(exp) };
  const bytes = Uint8Array.from(sig.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return (await crypto.subtle.verify("HMAC", key, bytes, signedText(grant))) ? grant : null;
}

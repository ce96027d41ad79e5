/**
 * Google Cloud Storage, XML API, V4 signatures with a service account's RSA key (`GOOG4-RSA-SHA256`). The edge signs its own
 * requests the same way in their `authorization` header, so that no access token is fetched, kept or refreshed.
 */
import { toHex } from "../../../shared/hex.ts";
import { sha256Hex } from "../../auth/api-keys.ts";
import { basicTime, canonicalHeaders, encodeKey, encodeQuery, type Query } from "../signing/encode.ts";

const ALGORITHM = "GOOG4-RSA-SHA256";
const UNSIGNED = "UNSIGNED-PAYLOAD";
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const encoder = new TextEncoder();

/** The types of Workers and of Node know WebCrypto's key under different names. */
type RsaKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export interface GcsSigner {
  clientEmail: string;
  key: RsaKey;
}

export interface GcsRequest {
  method: string;
  host: string;
  bucket: string;
  /** Null: the bucket itself. */
  key: string | null;
  query: Query;
  headers: Readonly<Record<string, string>>;
}

/**
 * Takes a service account's private key in.
 *
 * @param privateKey PKCS #8 in PEM, as in the `private_key` of the account's JSON
 * @throws Error for text that is no such key
 */
export async function importGcsKey(privateKey: string): Promise<RsaKey> {
  const base64 = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/.exec(privateKey)?.[1];
  if (base64 === undefined) throw new Error("private_key is not a PKCS #8 key in PEM");
  const der = Uint8Array.from(atob(base64.replace(/\s/g, "")), (character) => character.charCodeAt(0));
  return crypto.subtle.importKey("pkcs8", der, RSA, false, ["sign"]);
}

/** The path of a request, path style: `/bucket/key`. */
export function gcsPath(request: Pick<GcsRequest, "bucket" | "key">): string {
  return request.key === null ? `/${request.bucket}` : `/${request.bucket}/${encodeKey(request.key)}`;
}

/** The headers that make the request ours: date, payload mark, `authorization`, and those that were given. */
export async function authorizeGcs(
  request: GcsRequest,
  signer: GcsSigner,
  now: number,
): Promise<Record<string, string>> {
  const date = basicTime(now);
  const headers = { ...request.headers, "x-goog-content-sha256": UNSIGNED, "x-goog-date": date };
  const signedHeaders = { ...headers, host: request.host };
  const names = canonicalHeaders(signedHeaders)
    .map(([name]) => name)
    .join(";");
  const signature = await sign({ ...request, headers: signedHeaders }, names, signer, date);
  const credential = `${signer.clientEmail}/${scope(date)}`;
  const authorization = `${ALGORITHM} Credential=${credential},SignedHeaders=${names},Signature=${signature}`;
  return { ...headers, authorization };
}

/** The query, without `?`, that makes a request ours until it runs out; in the order that Google's own library gives it. */
export async function presignGcs(
  request: GcsRequest,
  signer: GcsSigner,
  now: number,
  expiresSeconds: number,
): Promise<string> {
  const date = basicTime(now);
  const headers = { ...request.headers, host: request.host };
  const names = canonicalHeaders(headers)
    .map(([name]) => name)
    .join(";");
  const query: Query = {
    "X-Goog-Algorithm": ALGORITHM,
    "X-Goog-Credential": `${signer.clientEmail}/${scope(date)}`,
    "X-Goog-Date": date,
    "X-Goog-Expires": String(expiresSeconds),
    "X-Goog-SignedHeaders": names,
    ...request.query,
  };
  const signature = await sign({ ...request, headers, query }, names, signer, date);
  return encodeQuery({ ...query, "X-Goog-Signature": signature }, "given");
}

function scope(date: string): string {
  return `${date.slice(0, 8)}/auto/storage/goog4_request`;
}

async function sign(request: GcsRequest, names: string, signer: GcsSigner, date: string): Promise<string> {
  const canonical = await sha256Hex(canonicalRequest(request, names));
  const text = [ALGORITHM, date, scope(date), canonical].join("\n");
  return toHex(new Uint8Array(await crypto.subtle.sign(RSA.name, signer.key, encoder.encode(text))));
}

function canonicalRequest(request: GcsRequest, names: string): string {
  const headers = canonicalHeaders(request.headers);
  return [
    request.method,
    gcsPath(request),
    encodeQuery(withValues(request.query), "sorted"),
    headers.map(([name, value]) => `${name}:${value}\n`).join(""),
    names,
    request.headers["x-goog-content-sha256"] ?? UNSIGNED,
  ].join("\n");
}

/** Google signs `?uploads` as `uploads=`. */
function withValues(query: Query): Query {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value ?? ""]));
}

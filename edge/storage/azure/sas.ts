/**
 * Azure service SAS for one blob, and Shared Key for the edge's own requests (service version 2020-12-06, the first whose
 * SAS signs the encryption scope).
 */
import { encodeStrict } from "../signing/encode.ts";

export const AZURE_VERSION = "2020-12-06";

/** Base64 of an account key's bytes. */
export interface AzureKey {
  account: string;
  accountKey: string;
}

export interface BlobGrant {
  container: string;
  blob: string;
  /** `r` read; `cw` create and write, which is what staging a block asks for. */
  permissions: "r" | "cw";
  /** Unix milliseconds; Azure takes whole seconds. */
  expiresAt: number;
  /** Sent as the answer's headers, signed with it. */
  contentDisposition?: string;
  contentType?: string;
}

/** The SAS query, without `?`, in the order that Microsoft's own library gives it. */
export async function blobSas(grant: BlobGrant, key: AzureKey): Promise<string> {
  const expires = isoSeconds(grant.expiresAt);
  const text = [
    grant.permissions,
    "", // start: now
    expires,
    `/blob/${key.account}/${grant.container}/${grant.blob}`,
    "", // stored access policy
    "", // addresses
    "", // protocols
    AZURE_VERSION,
    "b",
    "", // snapshot
    "", // encryption scope
    "", // cache-control
    grant.contentDisposition ?? "",
    "", // content-encoding
    "", // content-language
    grant.contentType ?? "",
  ].join("\n");
  const signature = await hmacBase64(key.accountKey, text);
  const parts: [string, string | undefined][] = [
    ["sv", AZURE_VERSION],
    ["se", expires],
    ["sr", "b"],
    ["sp", grant.permissions],
    ["rscd", grant.contentDisposition],
    ["rsct", grant.contentType],
    ["sig", signature],
  ];
  return parts
    .filter((part): part is [string, string] => part[1] !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
}

export interface AzureRequest {
  method: string;
  /** Path as it is sent: `/container/blob`, percent-encoded. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  contentLength: number;
}

/** The `authorization` of a request under Shared Key. Its headers must hold `x-ms-date` and `x-ms-version` already. */
export async function sharedKey(request: AzureRequest, key: AzureKey): Promise<string> {
  const { headers } = request;
  const text = [
    request.method,
    "", // content-encoding
    "", // content-language
    request.contentLength === 0 ? "" : String(request.contentLength),
    headers["content-md5"] ?? "",
    headers["content-type"] ?? "",
    "", // date: x-ms-date counts
    headers["if-modified-since"] ?? "",
    headers["if-match"] ?? "",
    headers["if-none-match"] ?? "",
    headers["if-unmodified-since"] ?? "",
    headers.range ?? "",
    ...Object.keys(headers)
      .filter((name) => name.startsWith("x-ms-"))
      .sort()
      .map((name) => `${name}:${(headers[name] ?? "").trim()}`),
    `/${key.account}${request.path}`,
    ...Object.keys(request.query)
      .sort()
      .map((name) => `${name.toLowerCase()}:${request.query[name]}`),
  ].join("\n");
  return `SharedKey ${key.account}:${await hmacBase64(key.accountKey, text)}`;
}

/** A blob's path in its URL: Microsoft's library leaves the slashes. */
export function blobPath(container: string, blob: string): string {
  return `/${container}/${blob.split("/").map(encodeStrict).join("/")}`;
}

function isoSeconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

const encoder = new TextEncoder();

async function hmacBase64(base64Key: string, text: string): Promise<string> {
  const raw = Uint8Array.from(atob(base64Key), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
  return btoa(String.fromCharCode(...signature));
}

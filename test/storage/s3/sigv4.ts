/**
 * Checks SigV4 as a server does (AWS General Reference, "Signature Version 4"): by headers, and by query for presigned
 * URLs. Written from the specification, on Node's crypto, so that it shares nothing with the code that signs.
 */
import { createHash, createHmac } from "node:crypto";

export interface SignedRequest {
  method: string;
  url: URL;
  headers: Headers;
  body: Buffer;
}

export interface Verifier {
  region: string;
  /** Null: no such key. */
  secretOf(accessKey: string): string | null;
  /** The server's clock. */
  now(): number;
}

/** The key that has signed, or why the request is refused. */
export type SignatureVerdict = { accessKey: string } | { refused: string };

const MAX_SKEW_MILLIS = 15 * 60_000;
const ALGORITHM = "AWS4-HMAC-SHA256";

export function verifySignature(request: SignedRequest, verifier: Verifier): SignatureVerdict {
  return request.url.searchParams.has("X-Amz-Algorithm")
    ? verifyQuery(request, verifier)
    : verifyHeaders(request, verifier);
}

function verifyHeaders(request: SignedRequest, verifier: Verifier): SignatureVerdict {
  const header = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    request.headers.get("authorization") ?? "",
  );
  const [, credential = "", signedHeaders = "", signature = ""] = header ?? [];
  if (header === null) return { refused: "AccessDenied" };
  const date = request.headers.get("x-amz-date") ?? "";
  if (Math.abs(timeOf(date) - verifier.now()) > MAX_SKEW_MILLIS) return { refused: "RequestTimeTooSkewed" };
  const payload = request.headers.get("x-amz-content-sha256") ?? "";
  if (payload !== "UNSIGNED-PAYLOAD" && payload !== sha256(request.body)) {
    return { refused: "XAmzContentSHA256Mismatch" };
  }
  // Whatever the server acts on must be signed.
  for (const name of request.headers.keys()) {
    const acts = name.startsWith("x-amz-") || name === "host" || name === "if-none-match" || name === "if-match";
    if (acts && !signedHeaders.split(";").includes(name)) return { refused: "AccessDenied" };
  }
  return verdict(request, verifier, { credential, date, signedHeaders, signature, payload });
}

function verifyQuery(request: SignedRequest, verifier: Verifier): SignatureVerdict {
  const query = request.url.searchParams;
  const date = query.get("X-Amz-Date") ?? "";
  const begins = timeOf(date);
  const seconds = Number(query.get("X-Amz-Expires"));
  if (!(seconds >= 1 && seconds <= 604_800)) return { refused: "AuthorizationQueryParametersError" };
  const now = verifier.now();
  if (begins - now > MAX_SKEW_MILLIS || now > begins + seconds * 1000) return { refused: "AccessDenied" };
  return verdict(request, verifier, {
    credential: query.get("X-Amz-Credential") ?? "",
    date,
    signedHeaders: query.get("X-Amz-SignedHeaders") ?? "",
    signature: query.get("X-Amz-Signature") ?? "",
    payload: "UNSIGNED-PAYLOAD",
  });
}

interface Claim {
  credential: string;
  date: string;
  signedHeaders: string;
  signature: string;
  payload: string;
}

function verdict(request: SignedRequest, verifier: Verifier, claim: Claim): SignatureVerdict {
  const [accessKey = "", day = "", region = "", service = "", end = ""] = claim.credential.split("/");
  const secret = verifier.secretOf(accessKey);
  if (secret === null) return { refused: "InvalidAccessKeyId" };
  if (region !== verifier.region || service !== "s3" || end !== "aws4_request" || day !== claim.date.slice(0, 8)) {
    return { refused: "AuthorizationHeaderMalformed" };
  }
  if (!claim.signedHeaders.split(";").includes("host")) return { refused: "AccessDenied" };
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = [ALGORITHM, claim.date, scope, sha256(Buffer.from(canonicalRequest(request, claim)))].join("\n");
  const key = [day, region, "s3", "aws4_request"].reduce<Buffer>(
    (last, part) => createHmac("sha256", last).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
  const expected = createHmac("sha256", key).update(text).digest("hex");
  return expected === claim.signature ? { accessKey } : { refused: "SignatureDoesNotMatch" };
}

function canonicalRequest({ method, url, headers }: SignedRequest, claim: Claim): string {
  const query = (url.search === "" ? [] : url.search.slice(1).split("&"))
    .map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = at === -1 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [uriEncode(decodeURIComponent(name)), uriEncode(decodeURIComponent(value))] as const;
    })
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join("&");
  const signed = claim.signedHeaders
    .split(";")
    .map((name) => `${name}:${(name === "host" ? url.host : (headers.get(name) ?? "")).trim().replace(/\s+/g, " ")}\n`);
  const path = url.pathname
    .split("/")
    .map((segment) => uriEncode(decodeURIComponent(segment)))
    .join("/");
  return [method, path, query, signed.join(""), claim.signedHeaders, claim.payload].join("\n");
}

/** Each byte but those of `A-Za-z0-9-._~`. */
function uriEncode(text: string): string {
  return Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9\-._~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

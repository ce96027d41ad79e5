/** Alibaba OSS: signatures are checked by the code of Alibaba's own library. */
import { createRequire } from "node:module";
import type { Family, Heard } from "../peers/bucket-server.ts";

interface SignUtils {
  getCanonicalRequest(method: string, request: object, bucket: string, object: string, more: string[]): string;
  getStringToSign(region: string, date: string, canonicalRequest: string): string;
  getSignatureV4(secret: string, date: string, region: string, stringToSign: string): string;
}
const signing = createRequire(import.meta.url)("ali-oss/lib/common/signUtils") as SignUtils;

export const BUCKET = "my-videos";
export const KEY_ID = "LTAI5tExample";
export const SECRET = "oss-secret/with+signs=";
const REGION = "cn-hangzhou";
const MAX_SKEW_MS = 15 * 60_000;

export const ossFamily: Family = {
  verify,
  metaPrefix: "x-oss-meta-",
  forbidsOverwrite: (headers) => headers["x-oss-forbid-overwrite"] === "true",
  taken: { status: 409, code: "FileAlreadyExists" },
  // There it is a CRC; here any number that goes with the bytes.
  describe: ({ etag }) => ({ "x-oss-hash-crc64ecma": BigInt(`0x${etag.slice(1, 17)}`).toString() }),
};

function verify(request: Heard, now: number, bucket: string): string | null {
  const queries = Object.fromEntries([...request.query].map(([name, value]) => [name, value === "" ? null : value]));
  const presigned = typeof queries["x-oss-signature"] === "string";
  const credential = presigned
    ? String(queries["x-oss-credential"])
    : (/Credential=([^,]+)/.exec(request.headers.authorization ?? "")?.[1] ?? "");
  const signature = presigned
    ? queries["x-oss-signature"]
    : /Signature=([0-9a-f]+)/.exec(request.headers.authorization ?? "")?.[1];
  const date = String(presigned ? queries["x-oss-date"] : request.headers["x-oss-date"]);
  if (signature === undefined) return "AccessDenied";
  if (credential.split("/")[0] !== KEY_ID) return "InvalidAccessKeyId";
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (presigned && now > at + Number(queries["x-oss-expires"]) * 1000) return "AccessDenied";
  if (Math.abs(now - at) > MAX_SKEW_MS) return "RequestTimeTooSkewed";
  delete queries["x-oss-signature"];
  // What a client adds by itself is not signed in a URL.
  const headers = presigned ? {} : request.headers;
  const canonical = signing.getCanonicalRequest(request.method, { headers, queries }, bucket, request.key, []);
  const text = signing.getStringToSign(REGION, date, canonical);
  const expected = signing.getSignatureV4(SECRET, date.slice(0, 8), REGION, text);
  return expected === signature ? null : "SignatureDoesNotMatch";
}

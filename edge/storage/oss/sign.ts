/**
 * Alibaba OSS, signature version 4 (`OSS4-HMAC-SHA256`). It is SigV4 with names of its own and three differences: the path
 * is signed with the bucket in front whatever the host looks like, only `content-type`, `content-md5` and `x-oss-*` headers
 * are signed, and a parameter without a value is signed without its `=`.
 */
import { toHex } from "../../../shared/hex.ts";
import { sha256Hex } from "../../auth/api-keys.ts";
import { basicTime, canonicalHeaders, encodeKey, encodeQuery, type Query } from "../signing/encode.ts";
import { derivedKey, hmacSha256 } from "../signing/hmac.ts";

const ALGORITHM = "OSS4-HMAC-SHA256";
const UNSIGNED = "UNSIGNED-PAYLOAD";

export interface OssCredentials {
  accessKeyId: string;
  accessKeySecret: string;
  /** Such as `cn-hangzhou`, without `oss-`. */
  region: string;
}

export interface OssRequest {
  method: string;
  bucket: string;
  /** Null: the bucket itself. */
  key: string | null;
  query: Query;
  headers: Readonly<Record<string, string>>;
}

/** The headers that make the request ours: date, payload mark, `authorization`, and those that were given. */
export async function authorizeOss(
  request: OssRequest,
  credentials: OssCredentials,
  now: number,
): Promise<Record<string, string>> {
  const date = basicTime(now);
  const headers = { ...request.headers, "x-oss-content-sha256": UNSIGNED, "x-oss-date": date };
  const signature = await sign({ ...request, headers }, credentials, date);
  const credential = `${credentials.accessKeyId}/${scope(date, credentials.region)}`;
  return { ...headers, authorization: `${ALGORITHM} Credential=${credential},Signature=${signature}` };
}

/** The query, without `?`, that makes a request ours until it runs out; in the order that Alibaba's own library gives it. */
export async function presignOss(
  request: OssRequest,
  credentials: OssCredentials,
  now: number,
  expiresSeconds: number,
): Promise<string> {
  const date = basicTime(now);
  const query: Query = {
    ...request.query,
    "x-oss-credential": `${credentials.accessKeyId}/${scope(date, credentials.region)}`,
    "x-oss-date": date,
    "x-oss-expires": String(expiresSeconds),
    "x-oss-signature-version": ALGORITHM,
  };
  const signature = await sign({ ...request, query }, credentials, date);
  return encodeQuery({ ...query, "x-oss-signature": signature }, "given");
}

function scope(date: string, region: string): string {
  return `${date.slice(0, 8)}/${region}/oss/aliyun_v4_request`;
}

async function sign(request: OssRequest, credentials: OssCredentials, date: string): Promise<string> {
  const { accessKeySecret, region } = credentials;
  const canonical = await sha256Hex(canonicalRequest(request));
  const text = [ALGORITHM, date, scope(date, region), canonical].join("\n");
  const key = await derivedKey(`aliyun_v4${accessKeySecret}`, date.slice(0, 8), region, "oss", "aliyun_v4_request");
  return toHex(await hmacSha256(key, text));
}

function canonicalRequest(request: OssRequest): string {
  const signed = canonicalHeaders(request.headers).filter(
    ([name]) => name === "content-type" || name === "content-md5" || name.startsWith("x-oss-"),
  );
  return [
    request.method,
    `/${request.bucket}/${request.key === null ? "" : encodeKey(request.key)}`,
    encodeQuery(request.query, "sorted"),
    signed.map(([name, value]) => `${name}:${value}\n`).join(""),
    "", // no header beyond those that are always signed
    request.headers["x-oss-content-sha256"] ?? UNSIGNED,
  ].join("\n");
}

const REGION_IN_HOST = /(?:^|\.)oss-([a-z0-9-]+?)(?:-internal)?\./;
/** Where an endpoint does not name its region (a domain of the customer's own): that of OSS itself. */
const DEFAULT_REGION = "cn-hangzhou";

/** The region that an OSS endpoint names: `https://oss-eu-central-1.aliyuncs.com` is in `eu-central-1`. */
export function ossRegion(endpoint: string): string {
  return REGION_IN_HOST.exec(new URL(endpoint).hostname)?.[1] ?? DEFAULT_REGION;
}

/** S3 and what speaks like it (R2, MinIO, Ceph, Wasabi, B2): SigV4 by aws4fetch. */
import { AwsV4Signer } from "aws4fetch";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { sha256Hex } from "../../auth/api-keys.ts";
import { BucketStore } from "../bucket/bucket-store.ts";
import type { BucketDialect } from "../bucket/dialect.ts";
import type { StoreNetwork } from "../network.ts";
import type { ObjectStore } from "../port.ts";
import { basicTime, encodeQuery, type Query } from "../signing/encode.ts";
import { objectUrl } from "./address.ts";

export function s3Store(config: StorageOf<"s3">, network: StoreNetwork): ObjectStore {
  return new BucketStore(s3Dialect(config), network);
}

/** @internal exported for the test that holds its URLs against those of the AWS library */
export function s3Dialect(config: StorageOf<"s3">): BucketDialect {
  /** Derived keys, by day. */
  const keys = new Map<string, ArrayBuffer>();
  const signer = (
    url: URL,
    at: number,
    how: { method: string; headers?: Record<string, string>; signQuery?: boolean },
  ) =>
    new AwsV4Signer({
      ...how,
      url: url.href,
      accessKeyId: config.access_key,
      secretAccessKey: config.secret_key,
      region: config.region,
      service: "s3",
      cache: keys,
      datetime: basicTime(at),
    });
  const urlOf = (key: string, query: Query): URL => {
    const url = objectUrl(config, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value ?? "");
    return url;
  };
  return {
    partDigest: "content-md5",
    metaPrefix: "x-amz-meta-",
    ifAbsent: { "if-none-match": "*" },
    versions: ["x-amz-version-id"],
    etagOfParts: true,
    ifUnchanged: (seen) => ({ "if-match": seen.get("etag") ?? "" }),
    objectUrl: (key) => objectUrl(config, key),
    async authorize({ method, key, query, headers, body }, at) {
      // Over plain http some servers want the body signed too.
      const more = body === null ? {} : { "x-amz-content-sha256": await sha256Hex(body) };
      const signed = await signer(urlOf(key, query), at, { method, headers: { ...headers, ...more } }).sign();
      return { url: strictHref(signed.url), headers: Object.fromEntries(signed.headers) };
    },
    async presign({ method, key, query }, at, expiresSeconds) {
      // As Amazon's own library says and orders it, so that both give the same URL to the character.
      const url = urlOf(key, {
        ...query,
        "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
        "X-Amz-Expires": String(expiresSeconds),
      });
      return strictHref((await signer(url, at, { method, signQuery: true }).sign()).url);
    },
  };
}

/** `searchParams` writes a space as `+`, which is a plus to whoever reads queries as SigV4 does. */
function strictHref(url: URL): string {
  const query = encodeQuery(Object.fromEntries(url.searchParams), "sorted");
  return url.origin + url.pathname + (query === "" ? "" : `?${query}`);
}

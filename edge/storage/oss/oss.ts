/**
 * Alibaba OSS. The bucket stands in front of the endpoint's host, as the service asks for; in the path where the host is an
 * address. Only `x-oss-forbid-overwrite` guards a completion, and nothing a deletion: it looks first.
 */
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { BucketStore } from "../bucket/bucket-store.ts";
import type { BucketDialect } from "../bucket/dialect.ts";
import type { StoreNetwork } from "../network.ts";
import type { ObjectStore } from "../port.ts";
import { encodeKey, encodeQuery } from "../signing/encode.ts";
import { authorizeOss, ossRegion, presignOss } from "./sign.ts";

export function ossStore(config: StorageOf<"oss">, network: StoreNetwork): ObjectStore {
  return new BucketStore(ossDialect(config), network);
}

const ADDRESS = /^(?:\d+\.\d+\.\d+\.\d+|\[.*\]|localhost)$/;

function ossDialect(config: StorageOf<"oss">): BucketDialect {
  const { bucket } = config;
  const endpoint = new URL(config.endpoint);
  const credentials = {
    accessKeyId: config.access_key_id,
    accessKeySecret: config.access_key_secret,
    region: ossRegion(config.endpoint),
  };
  const objectUrl = (key: string): URL => {
    const url = new URL(endpoint.origin);
    if (ADDRESS.test(url.hostname)) return new URL(`${url.origin}/${bucket}/${encodeKey(key)}`);
    if (!url.hostname.startsWith(`${bucket}.`)) url.hostname = `${bucket}.${url.hostname}`;
    return new URL(`${url.origin}/${encodeKey(key)}`);
  };
  return {
    // A `Content-MD5` would have to be signed with the URL, before the part is known.
    partDigest: "etag-md5",
    metaPrefix: "x-oss-meta-",
    ifAbsent: { "x-oss-forbid-overwrite": "true" },
    // The second one is of the bytes: another object with the same ones is as good.
    versions: ["x-oss-version-id", "x-oss-hash-crc64ecma"],
    etagOfParts: false,
    ifUnchanged: () => null,
    objectUrl,
    async authorize({ method, key, query, headers }, at) {
      const signed = await authorizeOss({ method, bucket, key, query, headers }, credentials, at);
      const search = encodeQuery(query, "given");
      return { url: objectUrl(key).href + (search === "" ? "" : `?${search}`), headers: signed };
    },
    async presign({ method, key, query }, at, expiresSeconds) {
      const request = { method, bucket, key, query, headers: {} };
      return `${objectUrl(key).href}?${await presignOss(request, credentials, at, expiresSeconds)}`;
    },
  };
}

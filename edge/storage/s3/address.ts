/** Where an object lies: the URL of a key in a bucket (docs/decisions/021). */
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { encodeKey, encodeStrict } from "../signing/encode.ts";

export type S3Place = Pick<StorageOf<"s3">, "endpoint" | "bucket" | "region">;

/** Names that may stand in front of a host; one with a dot would not fit the certificate. */
const HOST_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
/** Amazon's host for all regions, alone or behind a bucket. */
const GLOBAL_HOST = /(^|\.)s3\.amazonaws\.com$/;
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/;
const AMAZON = /(?:^|\.)amazonaws\.com(?:\.cn)?$/;

/**
 * The bucket's base URL, ending with `/`. In the path, which every server understands; in front of the host for Amazon,
 * which means to give up the other form, and where the client wrote it there already. Amazon's host for all regions becomes that
 * of the region: it redirects what is asked of it about a bucket that is new, and a presigned URL cannot follow (docs/decisions/131).
 */
export function bucketUrl({ endpoint, bucket, region }: S3Place): URL {
  const url = new URL(endpoint);
  if (REGION.test(region)) url.hostname = url.hostname.replace(GLOBAL_HOST, `$1s3.${region}.amazonaws.com`);
  const path = url.pathname.replace(/\/+$/, "");
  const host = url.hostname;
  if (AMAZON.test(host) && host.startsWith(`${bucket}.`)) return new URL(`${path}/`, url.origin);
  if (AMAZON.test(host) && HOST_LABEL.test(bucket)) {
    url.hostname = `${bucket}.${host}`;
    return new URL(`${path}/`, url.origin);
  }
  return new URL(`${path}/${encodeStrict(bucket)}/`, url.origin);
}

/** One key as a URL, each character encoded that SigV4 wants encoded; without a key the bucket itself. */
export function objectUrl(place: S3Place, key: string): URL {
  return new URL(bucketUrl(place).href + encodeKey(key));
}

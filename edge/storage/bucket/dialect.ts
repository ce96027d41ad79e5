/**
 * What tells the servers of the S3 family apart: S3 itself, Google's XML API, Alibaba OSS. The operations, their XML and
 * their errors are the same; names of headers, signatures and conditions are not.
 */
import type { PartDigest } from "../port.ts";
import type { Query } from "../signing/encode.ts";

export type Method = "GET" | "HEAD" | "PUT" | "POST" | "DELETE";

export interface BucketRequest {
  method: Method;
  key: string;
  query: Query;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string | null;
}

export interface BucketDialect {
  partDigest: PartDigest;
  /** Where an object lies: its URL without a query. */
  objectUrl(key: string): URL;
  /** What is sent: the URL with its query, and all headers, signed. @param at Unix milliseconds by the server's clock */
  authorize(request: BucketRequest, at: number): Promise<{ url: string; headers: Record<string, string> }>;
  /** A URL that anybody may use for so long. */
  presign(
    request: Pick<BucketRequest, "method" | "key" | "query">,
    at: number,
    expiresSeconds: number,
  ): Promise<string>;
  /** Before the names of our metadata: `x-amz-meta-`. */
  metaPrefix: string;
  /** Condition of a completion: only where no object is. */
  ifAbsent: Readonly<Record<string, string>>;
  /** Headers by which a completion's answer and the object both say which object it is; the first that both have counts. */
  versions: readonly string[];
  /** Whether an object in parts may have the ETag that Amazon counts for it. */
  etagOfParts: boolean;
  /** Condition of a deletion, from the headers of the object as it was seen; null: the server knows none. */
  ifUnchanged(seen: Headers): Record<string, string> | null;
}

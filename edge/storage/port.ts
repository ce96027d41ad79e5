/**
 * The one storage port (DESIGN section 6). An adapter speaks to one kind of store: the disk service, R2, S3, Azure,
 * GCS, OSS. Everything here is called by the edge alone; a node only ever sees the part URLs of a ticket.
 */
import type { UploadedPart } from "../../shared/contract/media.ts";

/** What an upload will become. It is bound to its key and to one attempt's token when it begins. */
export interface UploadIntent {
  /** Physical key in the store, already prefixed and sanitised. */
  key: string;
  job: string;
  /** `<epoch>.<attempt>`. */
  token: string;
  contentType: string;
  /** Exact size in bytes, or null when the length is not known yet. */
  size: number | null;
}

export interface BegunUpload {
  uploadId: string;
  /** Every part but the last has exactly this size, bytes. */
  partSize: number;
}

export interface PartUrl {
  part_number: number;
  url: string;
}

export interface PresignPartsRequest {
  uploadId: string;
  key: string;
  fromPart: number;
  count: number;
  partSize: number;
  /** Where the node reached the edge: base of URLs that pass through it. */
  origin: string;
  expiresAt: number;
}

export interface CommitRequest extends UploadIntent {
  uploadId: string;
  size: number;
  sha256: string;
  parts: UploadedPart[];
}

export type CommitResult =
  /** `key` differs from the asked one only on the disk store, which may link to the next free suffix by itself. */
  | { kind: "committed"; key: string; size: number; etag: string }
  /** A foreign object lies under the name: it is marked taken and the job repeats with the next suffix. */
  | { kind: "taken" }
  /** The bytes are not there or not those of the manifest; a repeat of the commit cannot help. */
  | { kind: "refused"; code: string; permanent: boolean }
  /** No answer, or a passing fault: ask again. */
  | { kind: "unavailable"; code: string };

export interface ObjectHead {
  size: number;
  etag: string;
  lastModified: number;
  /** Metadata `trawl-job` of the object, if the store keeps it. */
  job: string | null;
}

export interface ByteRange {
  offset: number;
  length: number;
}

export interface ObjectStore {
  begin(intent: UploadIntent): Promise<BegunUpload>;
  presignParts(request: PresignPartsRequest): Promise<PartUrl[]>;
  /** Conditional and idempotent: an upload that is already committed for this job and token answers `committed` again. */
  commit(request: CommitRequest): Promise<CommitResult>;
  /** Idempotent; an unknown upload is fine. */
  abort(uploadId: string, key: string): Promise<void>;
  head(key: string): Promise<ObjectHead | null>;
  read(key: string, range: ByteRange | null): Promise<ReadableStream<Uint8Array> | null>;
  /** Deletes the object only while it still bears this ETag. False: gone or changed by someone else. */
  delete(key: string, etag: string): Promise<boolean>;
}

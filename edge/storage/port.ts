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
  /** The URL of a part that the edge takes and passes on; for stores with {@link ObjectStore.putPart}. */
  relay(partNumber: number): Promise<string>;
  expiresAt: number;
}

export interface RelayedPart {
  uploadId: string;
  key: string;
  partNumber: number;
  /** Exact length of the body, bytes. */
  size: number;
  body: ReadableStream<Uint8Array> | Uint8Array;
  /** What the node says of its bytes, base64; the store refuses others. */
  md5: string | null;
}

export interface CommitRequest extends UploadIntent {
  uploadId: string;
  size: number;
  /** Null: the store is to count it itself; only for stores with {@link ObjectStore.countsSha256}. */
  sha256: string | null;
  parts: UploadedPart[];
}

export interface CommittedObject {
  kind: "committed";
  key: string;
  size: number;
  etag: string;
  /** As the store has counted it. Absent where it counts none. */
  sha256?: string | undefined;
}

export type CommitResult =
  /** `key` differs from the asked one only on the disk store, which may link to the next free suffix by itself. */
  | CommittedObject
  /**
   * A foreign object lies under the name: it is marked taken and the job repeats with the next suffix. `replaced`: the upload was
   * committed, and that object then put in its place. It may look as if the upload had made it, so an abort must not be asked for.
   */
  | { kind: "taken"; replaced?: true }
  /** The bytes are not there or not those of the manifest; a repeat of the commit cannot help. `says`: in place of the code. */
  | { kind: "refused"; code: string; permanent: boolean; says?: string }
  /** No answer, or a passing fault: ask again. */
  | { kind: "unavailable"; code: string };

export type RenameResult =
  /** `etag`: what it bears under its new key. */
  | { kind: "renamed"; etag: string }
  /** Something lies under the new key, perhaps in another case or Unicode form. It is as it was. */
  | { kind: "taken" }
  /** The object with this ETag lies under neither key. */
  | { kind: "gone" }
  /** No repeat can help: the key is none, its folder is a file or a symbolic link or on another file system. */
  | { kind: "refused"; code: string };

/** What lies in a folder: a file or a folder, never a link. */
export interface FolderEntry {
  name: string;
  kind: "file" | "dir";
  /** Bytes; 0 for a folder. */
  size: number;
  /** Empty for a folder. */
  etag: string;
  /** Unix time, milliseconds. */
  mtime: number;
  ctime: number;
}

export type MakeFolderResult = { kind: "made" } | { kind: "taken" } | { kind: "refused"; code: string };
export type MoveFolderResult =
  | { kind: "moved" }
  | { kind: "taken" }
  | { kind: "gone" }
  | { kind: "refused"; code: string };

/** Folders of a store in which people see them and change them by hand. Keys have no final slash. */
export interface FolderStore {
  /**
   * A page of a folder in the order of its names' UTF-8 bytes, without hidden names, links and what no key can name; `next` is
   * what to go on after. Null: there is no such folder.
   *
   * @param folder empty: the whole store's
   */
  list(folder: string, after: string | null): Promise<{ entries: FolderEntry[]; next: string | null } | null>;
  /** Makes a folder, with its parents, that stays when it is empty. */
  make(key: string): Promise<MakeFolderResult>;
  /** One rename, never over something else. Asked again after a lost answer it says `moved`. */
  move(from: string, to: string): Promise<MoveFolderResult>;
  /** Takes a folder away with all that is in it, in bounded steps. */
  clear(key: string): Promise<void>;
}

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

export interface VerifyRequest {
  /** Where the probe object goes; it is gone again afterwards. */
  key: string;
  /** Ends the probe: the caller's time is up. */
  signal: AbortSignal;
}

/** Where a store says that the bucket is which it was asked for, in its own words. Nothing is ever sent there. */
export interface ToldPlace {
  region: string | null;
  /** A host, perhaps with a port. */
  endpoint: string | null;
}

/** `code` is the provider's own (`AccessDenied`, `NoSuchBucket`), or `timeout`, `unreachable`. */
export type VerifyResult = { ok: true } | { ok: false; code: string; told?: ToldPlace };

export interface PresignReadRequest {
  key: string;
  /** Unix time, milliseconds. */
  expiresAt: number;
  /** `Content-Disposition` that the store is to answer with; null: as the object has it. */
  disposition: string | null;
}

/**
 * What an adapter throws is a {@link StoreError}, with the provider's code and whether a repeat can help; everything else
 * is a bug. `commit` and `verify` answer instead of throwing.
 */
/**
 * How a part proves on the way that its bytes are what the node sent: by a `Content-MD5` that the store checks, or by an ETag
 * that is the part's MD5. Null: the store checks the whole file at the commit.
 */
export type PartDigest = "content-md5" | "etag-md5" | null;

/** Which open uploads are to be ended. */
export interface AbandonedUploads {
  /** What their keys begin with. */
  prefix: string;
  /** Unix milliseconds: what was begun later may be alive. */
  before: number;
  /** Whether the key can be one of ours: others may write below the same prefix. */
  isOurs(key: string): boolean;
}

export interface ObjectStore {
  readonly partDigest: PartDigest;
  /** It counts the SHA-256 of each file by itself before it commits it, and tells it. */
  readonly countsSha256?: true;
  /** People move and change its objects by hand, and a look costs next to nothing: what is told of a file is looked up. */
  readonly byHand?: true;
  /** Writes a small object and removes it again: whether the credentials are good for what we do (jobs API 9.2). */
  verify(request: VerifyRequest): Promise<VerifyResult>;
  /**
   * Present where upload ids are ours to choose. Such an id is noted before the store hears of it, so that a begin whose
   * answer was lost leaves no upload behind that nobody knows.
   */
  newUploadId?(): string;
  /** @param uploadId from {@link newUploadId}; one that has begun is answered as it was the first time. */
  begin(intent: UploadIntent, uploadId?: string): Promise<BegunUpload>;
  /** Present where nodes cannot write to the store: their parts pass through the edge, which calls this. Answers the ETag. */
  putPart?(part: RelayedPart): Promise<string>;
  /** Asks nobody. */
  presignParts(request: PresignPartsRequest): Promise<PartUrl[]>;
  /**
   * Conditional and idempotent: an upload that is already committed for this job and token answers `committed` again. An
   * object under the key counts as ours only if this very upload made it, not another one of the same job.
   */
  commit(request: CommitRequest): Promise<CommitResult>;
  /**
   * Idempotent; an unknown upload is fine. What the upload has committed goes too: its answer may have stayed lost, so
   * that nobody else knows of it.
   */
  abort(uploadId: string, key: string): Promise<void>;
  /**
   * Ends uploads of which nobody knows any more: the answer to their begin was lost, or who knew of them was. One bounded
   * pass, which returns how many are gone. Absent where the store lists none, or clears up by itself.
   */
  endAbandoned?(which: AbandonedUploads): Promise<number>;
  head(key: string): Promise<ObjectHead | null>;
  /** A URL by which anybody reads the object. Asks nobody. Null: this store has none to give, the edge relays its files. */
  presignRead(request: PresignReadRequest): Promise<string | null>;
  /**
   * Null: nothing is there, or no longer the object with this ETag (null: any). Bytes of another object are never given out
   * for it, though it was put there a moment ago.
   */
  read(key: string, range: ByteRange | null, etag: string | null): Promise<ReadableStream<Uint8Array> | null>;
  /** Deletes the object only while it still bears this ETag. False: gone or changed by someone else. */
  delete(key: string, etag: string): Promise<boolean>;
  /**
   * Gives the object another key, only while it still bears this ETag, and never over another object. Idempotent: asked
   * again after a lost answer it says `renamed`. Present where the store does so without a copy of the bytes.
   */
  rename?(from: string, to: string, etag: string): Promise<RenameResult>;
  /** Present where people see the objects as files in folders. */
  readonly folders?: FolderStore;
}

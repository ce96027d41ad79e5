/** A store with the manners of the disk store, or (`picksSuffix` off) of a bucket that only says that a name is taken. */
import { candidateNames } from "../../../edge/local/disk-store/suffixes.ts";
import type { CommitResult } from "../../../edge/storage/port.ts";
import { foldKey } from "../../../shared/names.ts";

interface Upload {
  id: string;
  key: string;
  job: string;
  token: string;
  /** Bytes that the node has put; null: none yet. */
  size: number | null;
}

export interface StoredObject {
  /** Null: somebody else's. */
  job: string | null;
  upload: string | null;
  etag: string;
  size: number;
}

export class VirtualStore {
  readonly uploads = new Map<string, Upload>();
  /** Uploads that the partition has a row of, or had. */
  readonly noted = new Set<string>();
  readonly objects = new Map<string, StoredObject>();
  /** Commits that nobody may have heard of: asked again, they are answered again. */
  readonly #journal = new Map<string, { job: string; token: string; key: string; size: number; etag: string }>();
  readonly #picksSuffix: boolean;
  #serial = 0;

  constructor(picksSuffix: boolean) {
    this.#picksSuffix = picksSuffix;
  }

  begin(intent: { key: string; job: string; token: string }): string {
    const id = `u${++this.#serial}`;
    this.uploads.set(id, { ...intent, id, size: null });
    return id;
  }

  /** A node PUTs its bytes. False: no such upload (any more). */
  put(uploadId: string, size: number): boolean {
    const upload = this.uploads.get(uploadId);
    if (upload !== undefined) upload.size = size;
    return upload !== undefined;
  }

  putForeign(key: string): void {
    if (!this.#isTaken(key)) this.objects.set(key, { job: null, upload: null, etag: `f${++this.#serial}`, size: 1 });
  }

  commit(request: { uploadId: string; key: string; job: string; token: string; size: number }): CommitResult {
    const known = this.#journal.get(request.uploadId);
    if (known !== undefined) {
      if (known.job !== request.job || known.token !== request.token) return refused("wrong_upload");
      return { kind: "committed", key: known.key, size: known.size, etag: known.etag };
    }
    const upload = this.uploads.get(request.uploadId);
    if (upload === undefined) return refused("unknown_upload");
    if (upload.job !== request.job || upload.token !== request.token || upload.key !== request.key) {
      return refused("wrong_upload");
    }
    this.uploads.delete(upload.id);
    if (upload.size !== request.size) return refused("wrong_size");
    const key = this.#freeKey(upload.key);
    if (key === null) return { kind: "taken" };
    const done = { job: upload.job, token: upload.token, key, size: upload.size, etag: `e${++this.#serial}` };
    this.#journal.set(upload.id, done);
    this.objects.set(key, { job: upload.job, upload: upload.id, etag: done.etag, size: done.size });
    return { kind: "committed", key, size: done.size, etag: done.etag };
  }

  refuse(uploadId: string, permanent: boolean): CommitResult {
    if (this.#journal.has(uploadId)) return { kind: "unavailable", code: "busy" };
    this.uploads.delete(uploadId);
    return { kind: "refused", code: "wrong_part", permanent };
  }

  /** What the upload has committed goes too: nobody else may know of it. */
  abort(uploadId: string): void {
    this.uploads.delete(uploadId);
    const done = this.#journal.get(uploadId);
    if (done !== undefined && this.objects.get(done.key)?.upload === uploadId) this.objects.delete(done.key);
  }

  delete(key: string, etag: string): boolean {
    if (this.objects.get(key)?.etag !== etag) return false;
    return this.objects.delete(key);
  }

  #freeKey(key: string): string | null {
    if (!this.#isTaken(key)) return key;
    if (!this.#picksSuffix) return null;
    const folder = key.slice(0, key.lastIndexOf("/") + 1);
    for (const name of candidateNames(key.slice(folder.length))) {
      if (!this.#isTaken(folder + name)) return folder + name;
    }
    return null;
  }

  /** As a file system that ignores case compares. */
  #isTaken(key: string): boolean {
    const folded = foldKey(key);
    return [...this.objects.keys()].some((other) => foldKey(other) === folded);
  }
}

function refused(code: string): CommitResult {
  return { kind: "refused", code, permanent: false };
}

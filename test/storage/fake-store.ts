/**
 * A disk store service without a disk, for the `edge` project: vitest.config.ts binds it as `STORE`. It speaks the wire of
 * `edge/storage/disk-wire.ts` from memory; `/fake/*` is for tests. One instance serves all test files of a run, so a test
 * uses keys of its own.
 */
import { createHash } from "node:crypto";

/** Bearer of control calls, as the Worker's `TRAWL_STORE_SECRET`. */
export const STORE_SECRET = "store-secret-of-the-edge-tests";
/** Nobody listens there: only the text of part URLs needs it. */
export const STORE_URL = "http://127.0.0.1:9";

const MIB = 1_048_576;
const PART_SIZE = 8 * MIB;

/** The next calls of this kind about this key (all keys without one) get this answer instead, `times` of them. */
export interface StoreFault {
  call: string;
  /** The call is done all the same: only its own answer is lost. */
  done?: boolean;
  /** Test files share the store, so a fault is one key's. */
  key: string;
  times: number;
  status: number;
  answer: unknown;
}

interface StoredObject {
  bytes: Buffer;
  etag: string;
  lastModified: number;
}

interface Upload {
  key: string;
  job: string;
  token: string;
  parts: Map<number, Buffer>;
}

type ControlCall = (body: Record<string, unknown>) => FakeAnswer | Promise<FakeAnswer>;

export interface FakeAnswer {
  status: number;
  body: string | Uint8Array<ArrayBuffer> | null;
  headers?: Record<string, string>;
}

export class FakeStore {
  readonly #objects = new Map<string, StoredObject>();
  /** Those that were made, and not only by a file in them. */
  readonly #folders = new Set<string>();
  readonly #uploads = new Map<string, Upload>();
  readonly #committed = new Map<string, { key: string; etag: string; job: string; token: string }>();
  #faults: StoreFault[] = [];
  #ids = 0;

  readonly #calls: Record<string, ControlCall> = {
    begin: (body) => this.#begin(body),
    commit: (body) => this.#commit(body),
    abort: (body) => {
      const id = String(body.upload_id);
      this.#uploads.delete(id);
      // What it has committed goes too, as far as it is still that.
      const done = this.#committed.get(id);
      if (done !== undefined && this.#objects.get(done.key)?.etag === done.etag) this.#objects.delete(done.key);
      return json({});
    },
    head: (body) => {
      const object = this.#objects.get(String(body.key));
      return json(
        object === undefined
          ? null
          : { size: object.bytes.length, etag: object.etag, last_modified: object.lastModified },
      );
    },
    read: (body) => this.#read(body),
    delete: (body) => {
      const key = String(body.key);
      const same = this.#objects.get(key)?.etag === body.etag;
      if (same) this.#objects.delete(key);
      return json({ deleted: same });
    },
    rename: (body) => this.#rename(String(body.from), String(body.to), String(body.etag)),
    list: (body) => this.#list(body),
    mkdir: (body) => {
      const key = String(body.key);
      if (this.#isThere(key)) return json({ kind: "taken" });
      const above = key.split("/").map((_, depth, parts) => parts.slice(0, depth).join("/"));
      if (above.some((folder) => this.#objects.has(folder))) return json({ kind: "refused", code: "bad_key" });
      this.#folders.add(key);
      return json({ kind: "made" });
    },
    movefolder: (body) => this.#moveFolder(String(body.from), String(body.to)),
    clearfolder: (body) => {
      for (const map of [this.#objects, this.#folders]) {
        for (const key of [...map.keys()]) if (isWithin(key, String(body.key))) map.delete(key);
      }
      return json({ done: true });
    },
    sweep: () => json({ removed: 0 }),
  };

  async fetch(method: string, url: URL, headers: Headers, body: Buffer): Promise<FakeAnswer> {
    const [, root, name = ""] = url.pathname.split("/");
    if (root === "_store") return this.#putPart(url, body);
    if (root === "fake") return this.#steer(method, name, url, body);
    if (root !== "control" || headers.get("authorization") !== `Bearer ${STORE_SECRET}`) {
      return json({ error: "unauthorized" }, 401);
    }
    const call = this.#calls[name];
    if (call === undefined) return json({ error: "not_found" }, 404);
    const parsed = JSON.parse(body.toString()) as Record<string, unknown>;
    const fault = this.#fault(name, this.#keyOf(parsed));
    const answer = fault === null || fault.done === true ? await call(parsed) : null;
    return fault === null && answer !== null ? answer : json(fault?.answer, fault?.status);
  }

  /** What a call is about: an abort names its upload alone. */
  #keyOf({ key, folder, from, upload_id }: Record<string, unknown>): string {
    const upload = String(upload_id);
    return String(key ?? folder ?? from ?? this.#uploads.get(upload)?.key ?? this.#committed.get(upload)?.key);
  }

  #fault(call: string, key: string): StoreFault | null {
    const fault = this.#faults.find((each) => each.call === call && each.key === key);
    if (fault === undefined) return null;
    fault.times--;
    if (fault.times <= 0) this.#faults = this.#faults.filter((each) => each !== fault);
    return fault;
  }

  #steer(method: string, name: string, url: URL, body: Buffer): FakeAnswer {
    if (method === "PUT" && name === "object") {
      return json({ etag: this.#put(url.searchParams.get("key") ?? "", body) });
    }
    if (method === "DELETE" && name === "object") {
      return json({ removed: this.#objects.delete(url.searchParams.get("key") ?? "") });
    }
    if (method === "POST" && name === "fault") {
      this.#faults.push(JSON.parse(body.toString()) as StoreFault);
      return json({});
    }
    if (method === "POST" && name === "unfault") {
      const { call, key } = JSON.parse(body.toString()) as Pick<StoreFault, "call" | "key">;
      this.#faults = this.#faults.filter((each) => each.call !== call || each.key !== key);
      return json({});
    }
    if (method === "POST" && name === "finish") {
      const { upload } = JSON.parse(body.toString()) as { upload: string };
      return json({ key: this.#finish(upload) });
    }
    const uploads = [...this.#uploads].map(([id, { key, job, token }]) => ({ id, key, job, token }));
    const sizes = Object.fromEntries([...this.#objects].map(([key, { bytes }]) => [key, bytes.length]));
    return json({ objects: [...this.#objects.keys()], sizes, uploads });
  }

  #put(key: string, bytes: Buffer): string {
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    this.#objects.set(key, { bytes, etag, lastModified: Date.now() });
    return etag;
  }

  #begin(body: Record<string, unknown>): FakeAnswer {
    this.#ids++;
    const id = String(body.upload_id ?? this.#ids.toString(16).padStart(32, "0"));
    if (this.#uploads.has(id)) return json({ upload_id: id, part_size: PART_SIZE });
    this.#uploads.set(id, {
      key: String(body.key),
      job: String(body.job),
      token: String(body.token),
      parts: new Map(),
    });
    return json({ upload_id: id, part_size: PART_SIZE });
  }

  #putPart(url: URL, body: Buffer): FakeAnswer {
    const [, , , id = "", number = ""] = url.pathname.split("/");
    const upload = this.#uploads.get(id);
    if (upload === undefined) return json({ error: "unknown_upload" }, 404);
    upload.parts.set(Number(number), body);
    return { status: 200, body: null, headers: { etag: `"part-${number}-${body.length}"` } };
  }

  /** Conditional and idempotent, as the port asks; under a taken name it links to the next suffix. */
  #commit(body: Record<string, unknown>): FakeAnswer {
    const id = String(body.upload_id);
    const done = this.#committed.get(id);
    const known = done === undefined ? undefined : this.#objects.get(done.key);
    if (done !== undefined && known !== undefined && done.job === body.job && done.token === body.token) {
      const sha256 = createHash("sha256").update(known.bytes).digest("hex");
      return json({ kind: "committed", key: done.key, size: known.bytes.length, etag: known.etag, sha256 });
    }
    const upload = this.#uploads.get(id);
    if (upload === undefined) return json({ kind: "refused", code: "unknown_upload", permanent: false });
    if (upload.token !== body.token) return json({ kind: "refused", code: "other_token", permanent: true });
    const bytes = Buffer.concat([...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (bytes.length !== body.size || (body.sha256 !== null && sha256 !== body.sha256)) {
      return json({ kind: "refused", code: "bad_bytes", permanent: false });
    }
    const key = this.#finish(id);
    const object = this.#objects.get(key);
    return json({ kind: "committed", key, size: bytes.length, etag: object?.etag, sha256 });
  }

  /** Joins what has come of an upload: by a commit, or by one that has been under way since. */
  #finish(id: string): string {
    const upload = this.#uploads.get(id);
    if (upload === undefined) throw new Error(`no upload ${id}`);
    const bytes = Buffer.concat([...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part));
    const key = this.#freeKey(upload.key);
    const etag = this.#put(key, bytes);
    this.#uploads.delete(id);
    this.#committed.set(id, { key, etag, job: upload.job, token: upload.token });
    return key;
  }

  #freeKey(key: string): string {
    let free = key;
    for (let suffix = 2; this.#objects.has(free); suffix++) free = key.replace(/(\.[^./]+)?$/, ` (${suffix})$1`);
    return free;
  }

  #isFolder(key: string): boolean {
    const keys = [...this.#objects.keys(), ...this.#folders];
    return keys.some((each) => each.startsWith(`${key}/`)) || this.#folders.has(key);
  }

  #isThere(key: string): boolean {
    return this.#objects.has(key) || this.#isFolder(key);
  }

  #rename(from: string, to: string, etag: string): FakeAnswer {
    const object = this.#objects.get(from);
    if (object?.etag !== etag) {
      return json(this.#objects.get(to)?.etag === etag ? { kind: "renamed", etag } : { kind: "gone" });
    }
    if (this.#isThere(to)) return json({ kind: "taken" });
    this.#objects.delete(from);
    this.#objects.set(to, object);
    return json({ kind: "renamed", etag });
  }

  #moveFolder(from: string, to: string): FakeAnswer {
    if (!this.#isFolder(from)) return json({ kind: this.#isFolder(to) ? "moved" : "gone" });
    if (this.#isThere(to)) return json({ kind: "taken" });
    this.#folders.add(from);
    for (const [key, object] of [...this.#objects]) {
      if (!isWithin(key, from)) continue;
      this.#objects.delete(key);
      this.#objects.set(to + key.slice(from.length), object);
    }
    for (const key of [...this.#folders]) {
      if (!isWithin(key, from)) continue;
      this.#folders.delete(key);
      this.#folders.add(to + key.slice(from.length));
    }
    return json({ kind: "moved" });
  }

  /** As `edge/local/disk-store/folders.ts`, page by page too. */
  #list(body: Record<string, unknown>): FakeAnswer {
    const folder = String(body.folder);
    if (folder !== "" && !this.#isFolder(folder)) return json(null);
    const prefix = folder === "" ? "" : `${folder}/`;
    const names = new Set(
      [...this.#objects.keys(), ...this.#folders]
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length).split("/")[0] ?? ""),
    );
    const after = body.after === null ? null : Buffer.from(String(body.after));
    const known = [...names]
      .filter((name) => name !== "" && !/^[._]/.test(name) && !(folder === "" && name.startsWith("@")))
      .filter((name) => after === null || Buffer.compare(Buffer.from(name), after) > 0)
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    const page = known.slice(0, Number(body.limit));
    const entries = page.map((name) => {
      const object = this.#objects.get(prefix + name);
      const at = object?.lastModified ?? 0;
      const kind = object === undefined ? "dir" : "file";
      return { name, kind, size: object?.bytes.length ?? 0, etag: object?.etag ?? "", mtime: at, ctime: at };
    });
    return json({ entries, next: known.length > page.length ? page.at(-1) : null });
  }

  #read(body: Record<string, unknown>): FakeAnswer {
    const object = this.#objects.get(String(body.key));
    const meant = body.etag === null || object?.etag === body.etag;
    if (object === undefined || !meant) return json({ error: "not_found" }, 404);
    const range = body.range as { offset: number; length: number } | null;
    const bytes = range === null ? object.bytes : object.bytes.subarray(range.offset, range.offset + range.length);
    return { status: 200, body: new Uint8Array(bytes) };
  }
}

function isWithin(key: string, folder: string): boolean {
  return key === folder || key.startsWith(`${folder}/`);
}

function json(value: unknown, status = 200): FakeAnswer {
  return { status, body: JSON.stringify(value), headers: { "content-type": "application/json" } };
}

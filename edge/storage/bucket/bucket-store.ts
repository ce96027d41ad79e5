/**
 * The ObjectStore adapter of S3 and of what speaks like it: R2, MinIO, Ceph, Wasabi, B2, Google's XML API, Alibaba OSS. What
 * tells them apart is a {@link BucketDialect}.
 *
 * Operations used: PutObject, CreateMultipartUpload, UploadPart (presigned, by the node), CompleteMultipartUpload,
 * AbortMultipartUpload, ListMultipartUploads, HeadObject, GetObject, DeleteObject. Where servers differ:
 * - The condition of a completion (`If-None-Match` and its like) is unknown to some, which ignore it or answer 501. So each
 *   commit looks first (HEAD), and the condition closes the gap where it is understood (docs/decisions/022).
 * - That of a deletion (`If-Match`): the same, after a HEAD.
 * - A key that may write but not list gets 403 for a HEAD of nothing: that is "cannot tell", and the condition decides.
 * - The SHA-256 of the whole file cannot be asked of a server that saw it in parts; size and the parts' ETags are checked.
 */
import { elementText, hasElement } from "../../../shared/element-text.ts";
import { MAX_UPLOAD_ID_LENGTH } from "../../../shared/limits.ts";
import { CLOCK_TOLERANCE_MS } from "../clock.ts";
import { COMPLETE_TIMEOUT_MS, type StoreNetwork, VERIFY_TIMEOUT_MS } from "../network.ts";
import { planUpload, verdict } from "../own-upload.ts";
import type {
  AbandonedUploads,
  BegunUpload,
  ByteRange,
  CommitRequest,
  CommitResult,
  ObjectHead,
  ObjectStore,
  PartDigest,
  PartUrl,
  PresignPartsRequest,
  PresignReadRequest,
  UploadIntent,
  VerifyRequest,
  VerifyResult,
} from "../port.ts";
import { commitProblem, StoreError, verifyProblem } from "../store-error.ts";
import { BucketClient } from "./client.ts";
import type { BucketDialect } from "./dialect.ts";
import { refusalOf } from "./errors.ts";
import { listUploads, type OpenUpload } from "./list-uploads.ts";
import { type Completion, isReplaced } from "./same-object.ts";
import { type BucketUploadId, formatUploadId, parseUploadId } from "./upload-id.ts";
import { completeBody } from "./xml.ts";

/** Pages of open uploads read in one search, and uploads ended in it. */
const MAX_UPLOAD_PAGES = 5;
const MAX_ENDED_UPLOADS = 100;
/** Nodes put parts straight into the bucket. */
const ROUTE = { proxied: false };

/** A node waits 20 s for its ticket: behind it there may be a look, and two begins of 5 s that both stay without an answer. */
const LOST_TIMEOUT_MS = 2_000;
/** A store that says so has begun nothing. */
const NOT_DONE: ReadonlySet<string> = new Set(["SlowDown", "TooManyRequests"]);
/** No size that a file of ours has. */
const UNKNOWN_SIZE = -1;

interface OwnedHead extends ObjectHead {
  /** Nonce of the upload that made it. */
  upload: string | null;
  /** As they came: conditions are made of them. */
  headers: Headers;
}

export class BucketStore implements ObjectStore {
  readonly partDigest: PartDigest;
  readonly #client: BucketClient;
  readonly #dialect: BucketDialect;
  /** Until a server says that it does not know conditions. */
  #knowsConditions = true;

  /** @example new BucketStore(s3Dialect(config), { fetch, now: Date.now, accepts: (url) => checkUrl(url, policy).ok }) */
  constructor(dialect: BucketDialect, network: StoreNetwork) {
    this.partDigest = dialect.partDigest;
    this.#dialect = dialect;
    this.#client = new BucketClient(dialect, network);
  }

  #meta(name: "job" | "token" | "upload"): string {
    return `${this.#dialect.metaPrefix}trawl-${name}`;
  }

  async verify({ key, signal }: VerifyRequest): Promise<VerifyResult> {
    try {
      const patient = { key, signal, timeoutMs: VERIFY_TIMEOUT_MS };
      await this.#client.send({ ...patient, method: "PUT", body: "Trawl may write here.\n" });
      await this.#client.send({ ...patient, method: "DELETE" });
      return { ok: true };
    } catch (error) {
      return verifyProblem(error);
    }
  }

  async begin(intent: UploadIntent): Promise<BegunUpload> {
    const { size, nonce } = planUpload(intent.size, ROUTE);
    const text = await this.#sendBegin(intent, nonce);
    const server = elementText(text, "UploadId");
    // Something answers 200 to everything: it is no S3.
    if (server === null || server === "") throw new StoreError("NoUploadId", "permanent");
    const uploadId = formatUploadId({ token: intent.token, nonce, server });
    if (uploadId.length <= MAX_UPLOAD_ID_LENGTH) return { uploadId, partSize: size };
    await this.#endUpload(intent.key, server);
    throw new StoreError("UploadIdTooLong", "permanent");
  }

  async #sendBegin(intent: UploadIntent, nonce: string): Promise<string> {
    const sent = this.#client.theirNow();
    try {
      const { text } = await this.#client.send({
        method: "POST",
        key: intent.key,
        query: { uploads: null },
        headers: {
          "content-type": intent.contentType,
          [this.#meta("job")]: intent.job,
          [this.#meta("token")]: intent.token,
          [this.#meta("upload")]: nonce,
        },
      });
      return text;
    } catch (error) {
      const unsure = error instanceof StoreError && error.fault === "unavailable" && !NOT_DONE.has(error.code);
      if (unsure) await this.#endLostBegin(intent.key, sent - CLOCK_TOLERANCE_MS);
      throw error;
    }
  }

  /**
   * Without its answer the upload may be there all the same, and nobody knows its id. The key is this job's alone, so what was
   * begun under it since then is that one (docs/decisions/123).
   */
  async #endLostBegin(key: string, since: number): Promise<void> {
    try {
      const { uploads } = await listUploads(this.#client, { prefix: key, after: null, timeoutMs: LOST_TIMEOUT_MS });
      for (const each of uploads) {
        if (each.key === key && each.began >= since) await this.#endUpload(key, each.id, LOST_TIMEOUT_MS);
      }
    } catch {
      // The store is away, or does not let us list: what there may be is left to the search for abandoned uploads.
    }
  }

  async presignParts(request: PresignPartsRequest): Promise<PartUrl[]> {
    const id = parseUploadId(request.uploadId);
    if (id === null) throw new StoreError("NoSuchUpload", "refused");
    const numbers = Array.from({ length: request.count }, (_, index) => request.fromPart + index);
    return Promise.all(
      numbers.map(async (number) => {
        const query = { partNumber: String(number), uploadId: id.server };
        const url = await this.#client.presign("PUT", request.key, query, request.expiresAt);
        return { part_number: number, url };
      }),
    );
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    const id = parseUploadId(request.uploadId);
    if (id === null || id.token !== request.token) return { kind: "refused", code: "wrong_upload", permanent: false };
    try {
      return (await this.#lookFirst(request, id)) ?? (await this.#complete(request, id));
    } catch (error) {
      return commitProblem(error);
    }
  }

  /** What lies under the key decides at once; null: nothing does, or nobody may look. */
  async #lookFirst(request: CommitRequest, id: BucketUploadId): Promise<CommitResult | null> {
    const head = await this.#lookAt(request.key);
    return head === null ? null : this.#verdict(head, request, id, null);
  }

  #verdict(head: OwnedHead, request: CommitRequest, id: BucketUploadId, answered: Completion | null): CommitResult {
    const result = verdict(head, request, id.nonce);
    if (result.kind !== "committed" || !isReplaced(this.#dialect, head.headers, request.parts, answered)) return result;
    return { kind: "taken", replaced: true };
  }

  async #complete(request: CommitRequest, id: BucketUploadId): Promise<CommitResult> {
    let answered: Completion;
    try {
      answered = await this.#sendComplete(request, id.server);
    } catch (error) {
      // 412: somebody was faster. 404, 409: so were we, or another commit of ours is. No answer: it may have happened.
      const head = error instanceof StoreError && error.fault !== "permanent" ? await this.#lookAt(request.key) : null;
      const decided = head === null ? null : await this.#settle(head, request, id, null);
      if (decided !== null) return decided;
      if (error instanceof StoreError && EXISTS.has(error.code)) return { kind: "taken" };
      throw error;
    }
    const head = await this.#head(request.key);
    if (head === null) return { kind: "unavailable", code: "NoSuchKey" };
    return this.#settle(head, request, id, answered);
  }

  async #sendComplete(request: CommitRequest, uploadId: string): Promise<Completion> {
    const call = {
      method: "POST",
      key: request.key,
      query: { uploadId },
      body: completeBody(request.parts),
      timeoutMs: COMPLETE_TIMEOUT_MS,
    } as const;
    // As it was when this call was sent: another commit may learn the same meanwhile.
    const conditional = this.#knowsConditions;
    const condition = conditional ? this.#dialect.ifAbsent : {};
    try {
      const { headers, text } = await this.#client.send({
        ...call,
        headers: { "content-type": "application/xml", ...condition },
      });
      // S3 may answer 200 and change its mind while it works: the body then is an error.
      if (hasElement(text, "Error")) throw refusalOf(500, headers, text);
      return { headers, etag: elementText(text, "ETag") };
    } catch (error) {
      if (!conditional || !(error instanceof StoreError) || error.code !== "NotImplemented") throw error;
      this.#knowsConditions = false;
      return this.#sendComplete(request, uploadId);
    }
  }

  /** Ours with another size than the manifest says goes again: the node has told us something that is not so. */
  async #settle(
    head: OwnedHead,
    request: CommitRequest,
    id: BucketUploadId,
    answered: Completion | null,
  ): Promise<CommitResult> {
    const result = this.#verdict(head, request, id, answered);
    if (result.kind === "refused") await this.delete(request.key, head.etag);
    return result;
  }

  async abort(uploadId: string, key: string): Promise<void> {
    const id = parseUploadId(uploadId);
    if (id === null) return;
    let refusal: unknown = null;
    try {
      await this.#endUpload(key, id.server);
    } catch (error) {
      refusal = error;
    }
    // Also where the credentials may delete objects and not end uploads.
    const head = await this.#lookAt(key);
    if (head?.upload === id.nonce) await this.delete(key, head.etag);
    if (refusal !== null) throw refusal;
  }

  /** One that has ended already is fine. */
  async #endUpload(key: string, uploadId: string, timeoutMs?: number): Promise<void> {
    const bounds = timeoutMs === undefined ? {} : { timeoutMs };
    try {
      await this.#client.send({ method: "DELETE", key, query: { uploadId }, ...bounds });
    } catch (error) {
      if (!(error instanceof StoreError) || !GONE.has(error.code)) throw error;
    }
  }

  async endAbandoned({ prefix, before, isOurs }: AbandonedUploads): Promise<number> {
    let ended = 0;
    let after: OpenUpload | null = null;
    for (let page = 0; page < MAX_UPLOAD_PAGES; page++) {
      const { uploads, more }: Awaited<ReturnType<typeof listUploads>> = await listUploads(this.#client, {
        prefix,
        after,
      });
      for (const { key, id, began } of uploads) {
        if (began >= before || !key.startsWith(prefix) || !isOurs(key)) continue;
        await this.#endUpload(key, id);
        if (++ended >= MAX_ENDED_UPLOADS) return ended;
      }
      after = uploads.at(-1) ?? null;
      if (!more || after === null) break;
    }
    return ended;
  }

  async head(key: string): Promise<ObjectHead | null> {
    const head = await this.#head(key);
    if (head === null) return null;
    const { upload: _, headers: _headers, ...rest } = head;
    return rest;
  }

  async #head(key: string): Promise<OwnedHead | null> {
    try {
      const { headers } = await this.#client.send({ method: "HEAD", key });
      return {
        size: await this.#sizeOf(key, headers),
        etag: headers.get("etag") ?? "",
        lastModified: Date.parse(headers.get("last-modified") ?? "") || 0,
        job: headers.get(this.#meta("job")),
        upload: headers.get(this.#meta("upload")),
        headers,
      };
    } catch (error) {
      if (error instanceof StoreError && error.code === "NoSuchKey") return null;
      throw error;
    }
  }

  /** A proxy before a bucket may leave the length out of an answer without a body; that to a first byte tells it too. */
  async #sizeOf(key: string, seen: Headers): Promise<number> {
    const length = seen.get("content-length");
    if (length !== null) return Number(length);
    try {
      const { status, body, headers } = await this.#client.open({
        method: "GET",
        key,
        headers: { range: "bytes=0-0" },
      });
      await body?.cancel();
      const total = /^bytes 0-0\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
      // Some answer the whole object to any range.
      const told = status === 206 ? total : headers.get("content-length");
      return told === undefined || told === null ? UNKNOWN_SIZE : Number(told);
    } catch (error) {
      if (error instanceof StoreError && error.code === "InvalidRange") return 0;
      throw error;
    }
  }

  /** Null also where credentials that may write may not look. */
  async #lookAt(key: string): Promise<OwnedHead | null> {
    try {
      return await this.#head(key);
    } catch (error) {
      if (error instanceof StoreError && error.code === "AccessDenied") return null;
      throw error;
    }
  }

  async presignRead({ key, expiresAt, disposition }: PresignReadRequest): Promise<string> {
    const query = disposition === null ? {} : { "response-content-disposition": disposition };
    return this.#client.presign("GET", key, query, expiresAt);
  }

  async read(key: string, range: ByteRange | null, etag: string | null): Promise<ReadableStream<Uint8Array> | null> {
    if (range?.length === 0) return new Response("").body;
    const headers: Record<string, string> = {
      ...(range === null ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
      ...(etag === null ? {} : { "if-match": etag }),
    };
    try {
      const { body, headers: told } = await this.#client.open({ method: "GET", key, headers });
      if (etag === null || told.get("etag") === etag) return body;
      // A server that does not know the condition.
      await body?.cancel();
      return null;
    } catch (error) {
      if (error instanceof StoreError && (GONE.has(error.code) || EXISTS.has(error.code))) return null;
      throw error;
    }
  }

  async delete(key: string, etag: string): Promise<boolean> {
    const head = await this.#head(key);
    if (head === null || head.etag !== etag) return false;
    const call = { method: "DELETE", key } as const;
    try {
      await this.#client.send({ ...call, headers: this.#dialect.ifUnchanged(head.headers) ?? {} });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (GONE.has(error.code) || EXISTS.has(error.code)) return false;
      if (error.code !== "NotImplemented") throw error;
      await this.#client.send(call);
    }
    return true;
  }
}

/** The condition did not hold: the words of S3 and Google, and of OSS. */
const EXISTS: ReadonlySet<string> = new Set(["PreconditionFailed", "FileAlreadyExists"]);
const GONE: ReadonlySet<string> = new Set(["NoSuchKey", "NoSuchUpload"]);

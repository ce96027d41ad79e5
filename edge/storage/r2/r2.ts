/**
 * The ObjectStore adapter of R2 by its binding, for managed files (`TRAWL_STORE=r2` without keys of the S3 API). A binding signs
 * no URLs, so parts pass through the edge and files are served by it.
 *
 * Where it differs from the bucket stores: a completion takes no condition, so it looks first (managed keys are written by
 * nobody else); a part's ETag is opaque and R2 looks at no `Content-MD5` here, so the MD5 of a part is counted on its way
 * through (`store-proven.ts`, docs/decisions/116).
 */
import { formatUploadId, parseUploadId } from "../bucket/upload-id.ts";
import { planUpload, type Seen, verdict } from "../own-upload.ts";
import type {
  BegunUpload,
  ByteRange,
  CommitRequest,
  CommitResult,
  ObjectHead,
  ObjectStore,
  PartUrl,
  PresignPartsRequest,
  RelayedPart,
  UploadIntent,
  VerifyRequest,
  VerifyResult,
} from "../port.ts";
import { commitProblem, StoreError, type StoreFault, verifyProblem } from "../store-error.ts";
import { storeProven } from "./store-proven.ts";

const ROUTE = { proxied: true };
const META_JOB = "trawl-job";
const META_UPLOAD = "trawl-upload";

/** The codes that R2 puts in the text of its errors, what the S3 API calls them, and what they mean. */
const CODES: Readonly<Record<string, readonly [code: string, fault: StoreFault]>> = {
  10002: ["Unauthorized", "permanent"],
  10003: ["AccessDenied", "permanent"],
  10006: ["NoSuchBucket", "permanent"],
  10007: ["NoSuchKey", "refused"],
  10011: ["EntityTooSmall", "refused"],
  10024: ["NoSuchUpload", "refused"],
  10025: ["InvalidPart", "refused"],
  10048: ["InvalidPart", "refused"],
  10058: ["TooManyRequests", "unavailable"],
};
const ERROR_CODE = /\((\d{5})\)/;

interface StoredObject {
  size: number;
  httpEtag: string;
  uploaded: Date;
  customMetadata?: Record<string, string> | undefined;
}

interface R2Upload {
  uploadId: string;
  uploadPart(number: number, body: ReadableStream<Uint8Array> | Uint8Array): Promise<{ etag: string }>;
  complete(parts: { partNumber: number; etag: string }[]): Promise<StoredObject>;
  abort(): Promise<void>;
}

/** What is used of the binding; the runtimes whose types check this file do not both know it. */
export interface R2Binding {
  put(key: string, value: string): Promise<unknown>;
  delete(key: string): Promise<void>;
  head(key: string): Promise<StoredObject | null>;
  get(
    key: string,
    options: { range?: ByteRange; onlyIf?: { etagMatches: string } },
  ): Promise<(StoredObject & { body?: ReadableStream<Uint8Array> }) | null>;
  createMultipartUpload(
    key: string,
    options: { httpMetadata: { contentType: string }; customMetadata: Record<string, string> },
  ): Promise<R2Upload>;
  resumeMultipartUpload(key: string, uploadId: string): R2Upload;
}

/** @example const store = r2Store(env.FILES); */
export function r2Store(bucket: R2Binding): ObjectStore {
  return new R2Store(bucket);
}

class R2Store implements ObjectStore {
  readonly partDigest = "content-md5";
  readonly #bucket: R2Binding;

  constructor(bucket: R2Binding) {
    this.#bucket = bucket;
  }

  async verify({ key }: VerifyRequest): Promise<VerifyResult> {
    try {
      await this.#bucket.put(key, "Trawl may write here.\n");
      await this.#bucket.delete(key);
      return { ok: true };
    } catch (error) {
      return verifyProblem(toStoreError(error));
    }
  }

  async begin(intent: UploadIntent): Promise<BegunUpload> {
    const { size, nonce } = planUpload(intent.size, ROUTE);
    const upload = await asked(() =>
      this.#bucket.createMultipartUpload(intent.key, {
        httpMetadata: { contentType: intent.contentType },
        customMetadata: { [META_JOB]: intent.job, [META_UPLOAD]: nonce },
      }),
    );
    return { uploadId: formatUploadId({ token: intent.token, nonce, server: upload.uploadId }), partSize: size };
  }

  async presignParts(request: PresignPartsRequest): Promise<PartUrl[]> {
    const numbers = Array.from({ length: request.count }, (_, index) => request.fromPart + index);
    return Promise.all(numbers.map(async (number) => ({ part_number: number, url: await request.relay(number) })));
  }

  async putPart({ uploadId, key, partNumber, size, body, md5 }: RelayedPart): Promise<string> {
    const id = parseUploadId(uploadId);
    if (id === null) throw new StoreError("NoSuchUpload", "refused");
    const upload = this.#bucket.resumeMultipartUpload(key, id.server);
    const put = (bytes: RelayedPart["body"]) => upload.uploadPart(partNumber, bytes);
    return (await asked(() => (md5 === null ? put(body) : storeProven({ body, size }, md5, put)))).etag;
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    const id = parseUploadId(request.uploadId);
    if (id === null || id.token !== request.token) return { kind: "refused", code: "wrong_upload", permanent: false };
    try {
      const head = await this.#bucket.head(request.key);
      if (head !== null) return verdict(seen(head), request, id.nonce);
      const parts = request.parts.map(({ part_number, etag }) => ({ partNumber: part_number, etag }));
      const made = await this.#bucket.resumeMultipartUpload(request.key, id.server).complete(parts);
      const result = verdict(seen(made), request, id.nonce);
      if (result.kind === "refused") await this.#bucket.delete(request.key);
      return result;
    } catch (error) {
      // Another commit of ours may have been faster, or the answer was lost.
      const head = await this.#bucket.head(request.key).catch(() => null);
      return head === null ? commitProblem(toStoreError(error)) : verdict(seen(head), request, id.nonce);
    }
  }

  async abort(uploadId: string, key: string): Promise<void> {
    const id = parseUploadId(uploadId);
    if (id === null) return;
    await asked(() => this.#bucket.resumeMultipartUpload(key, id.server).abort()).catch((error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== "NoSuchUpload") throw error;
    });
    const head = await asked(() => this.#bucket.head(key));
    if (head?.customMetadata?.[META_UPLOAD] === id.nonce) await asked(() => this.#bucket.delete(key));
  }

  async head(key: string): Promise<ObjectHead | null> {
    const head = await asked(() => this.#bucket.head(key));
    if (head === null) return null;
    const { size, httpEtag: etag, uploaded, customMetadata } = head;
    return { size, etag, lastModified: uploaded.getTime(), job: customMetadata?.[META_JOB] ?? null };
  }

  async presignRead(): Promise<null> {
    return null;
  }

  async read(key: string, range: ByteRange | null, etag: string | null): Promise<ReadableStream<Uint8Array> | null> {
    if (range?.length === 0) return new Response("").body;
    const options = {
      ...(range === null ? {} : { range }),
      ...(etag === null ? {} : { onlyIf: { etagMatches: etag.replaceAll('"', "") } }),
    };
    // Without a body: the condition does not hold.
    return (await asked(() => this.#bucket.get(key, options)))?.body ?? null;
  }

  async delete(key: string, etag: string): Promise<boolean> {
    const head = await asked(() => this.#bucket.head(key));
    if (head === null || head.httpEtag !== etag) return false;
    await asked(() => this.#bucket.delete(key));
    return true;
  }
}

/** @throws StoreError and nothing else */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw toStoreError(error);
  }
}

function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  // A fault that has no code of a known refusal may pass.
  const [code, fault] = CODES[ERROR_CODE.exec(String(error))?.[1] ?? ""] ?? ["InternalError", "unavailable"];
  return new StoreError(code, fault);
}

function seen({ size, httpEtag: etag, customMetadata: meta }: StoredObject): Seen {
  return { size, etag, job: meta?.[META_JOB], upload: meta?.[META_UPLOAD] };
}

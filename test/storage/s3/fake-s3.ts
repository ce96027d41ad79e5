/**
 * A server of S3 in memory: it checks SigV4, keeps objects, metadata and multipart uploads, and knows conditions as Amazon
 * does. It speaks through a function, so that it can stand behind a real port (`serve.ts`) and be the internet of the
 * `edge` project (vitest.config.ts), whose test files share one instance and use keys and buckets of their own.
 *
 * There: every access key that begins with `AK` is known, with `secret-of-<key>` as its secret; every bucket whose name
 * begins with `b-` is there.
 */
import { createHash, randomBytes } from "node:crypto";
import { listAnswerOf } from "../peers/list-answer.ts";
import type { Operation, S3Fault, Told } from "./control.ts";
import { type SignedRequest, verifySignature } from "./sigv4.ts";

export interface FakeS3Options {
  /** Defaults to `us-east-1`. */
  region?: string;
  /** `If-None-Match` and `If-Match`: understood, not even read, or answered with 501. Defaults to understood. */
  conditions?: "known" | "ignored" | "refused";
  /** Without it a HEAD of nothing is 403. Defaults to true. */
  mayList?: boolean;
  /** How far its clock is ahead. Defaults to 0. */
  skewMs?: number;
  /**
   * What an object in parts bears as its ETag: the MD5 of the parts' MD5s (`amazon`), drawn for part and whole as where Amazon
   * encrypts by a key of the customer's (`drawn`), or one thing in the answer and another one at the object (`odd`). Defaults to
   * `amazon`.
   */
  etags?: "amazon" | "drawn" | "odd";
  /** What it says of its encryption with each object: `AES256`, `aws:kms`. Defaults to nothing. */
  encryption?: string | null;
}

export interface S3Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

interface StoredObject {
  bytes: Buffer;
  etag: string;
  type: string;
  meta: Record<string, string>;
}

interface Upload {
  bucket: string;
  key: string;
  /** Unix milliseconds. */
  began: number;
  type: string;
  meta: Record<string, string>;
  parts: Map<number, { bytes: Buffer; etag: string }>;
}

interface Called {
  operation: Operation;
  bucket: string;
  key: string;
  accessKey: string;
}

const DEFAULTS: Required<FakeS3Options> = {
  region: "us-east-1",
  conditions: "known",
  mayList: true,
  skewMs: 0,
  etags: "amazon",
  encryption: null,
};
const MIN_PART_BYTES = 5 * 1_048_576;
/** Nobody is to wait for it any longer then. */
const HANG_MS = 3_000;

export function secretOf(accessKey: string): string {
  return `secret-of-${accessKey}`;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly told: Told | null;
  constructor(status: number, code: string, told: Told | null = null) {
    super(code);
    this.status = status;
    this.code = code;
    this.told = told;
  }
}

export class FakeS3 {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, Upload>();
  readonly calls: Called[] = [];
  readonly #options: Required<FakeS3Options>;
  readonly #denied = new Set<string>();
  #faults: S3Fault[] = [];
  /** Of each group only the first that is met counts. */
  readonly #together: S3Fault[][] = [];

  constructor(options: FakeS3Options = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  fail(fault: S3Fault): void {
    this.#faults.push(fault);
  }

  /** Whatever operation comes next, of these: only one is to go wrong. */
  failNext(operations: readonly Operation[], how: S3Fault["how"]): void {
    const faults = operations.map((operation) => ({ operation, times: 1, how }));
    this.#faults.push(...faults);
    this.#together.push(faults);
  }

  /** The owner takes this key's permissions away, or gives them back. */
  deny(accessKey: string, denied = true): void {
    if (denied) this.#denied.add(accessKey);
    else this.#denied.delete(accessKey);
  }

  /** Another program's object. */
  putForeign(bucket: string, key: string, bytes: Uint8Array): void {
    this.objects.set(`${bucket}/${key}`, object(Buffer.from(bytes), "text/plain", {}));
  }

  keysOf(bucket: string): string[] {
    return [...this.objects.keys()]
      .filter((each) => each.startsWith(`${bucket}/`))
      .map((each) => each.slice(bucket.length + 1));
  }

  uploadsOf(bucket: string): string[] {
    return [...this.uploads.values()].filter((each) => each.bucket === bucket).map((each) => each.key);
  }

  /** All uploads that lie open in the bucket were begun so much earlier. */
  age(bucket: string, byMs: number): void {
    for (const upload of this.uploads.values()) if (upload.bucket === bucket) upload.began -= byMs;
  }

  now(): number {
    return Date.now() + this.#options.skewMs;
  }

  /** Null: it never answers. */
  async fetch(request: SignedRequest): Promise<S3Answer | null> {
    const { bucket, key } = addressOf(request.url);
    const operation = operationOf(request);
    const fault = this.#fault(operation, bucket, key);
    try {
      if (fault?.how === "hang") {
        await pause(HANG_MS);
        return null;
      }
      if (typeof fault?.how === "object") {
        throw new Refusal(fault.how.status, fault.how.code, fault.how.told);
      }
      const accessKey = this.#authorise(request);
      this.calls.push({ operation, bucket, key, accessKey });
      if (!bucket.startsWith("b-")) throw new Refusal(404, "NoSuchBucket");
      const answer = this.#do(operation, request, bucket, key);
      if (fault?.how === "replaced" || fault?.how === "replaced-lost") this.#replace(`${bucket}/${key}`);
      if (fault?.how === "lost" || fault?.how === "replaced-lost") return null;
      if (fault?.how === "late-error") return this.#answer(200, {}, errorBody("InternalError"));
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, told } = error;
      const headers: Record<string, string> = told === null ? {} : { "x-amz-bucket-region": told.region };
      return this.#answer(status, headers, request.method === "HEAD" ? "" : errorBody(code, told));
    }
  }

  #replace(place: string): void {
    const { bytes, type, meta } = this.objects.get(place) ?? object(Buffer.alloc(0), "", {});
    this.objects.set(place, object(Buffer.from(bytes.map((byte) => byte ^ 1)), type, meta));
  }

  #authorise(request: SignedRequest): string {
    const verdict = verifySignature(request, {
      region: this.#options.region,
      secretOf: (accessKey) => (accessKey.startsWith("AK") ? secretOf(accessKey) : null),
      now: () => this.now(),
    });
    if ("refused" in verdict) {
      const misplaced = verdict.refused === "AuthorizationHeaderMalformed";
      throw new Refusal(misplaced ? 400 : 403, verdict.refused, misplaced ? { region: this.#options.region } : null);
    }
    if (this.#denied.has(verdict.accessKey)) throw new Refusal(403, "AccessDenied");
    return verdict.accessKey;
  }

  #fault(operation: Operation, bucket: string, key: string): S3Fault | null {
    const fits = (each: S3Fault) =>
      each.operation === operation &&
      (each.key === undefined || each.key === key) &&
      (each.bucket === undefined || each.bucket === bucket);
    const fault = this.#faults.find(fits);
    if (fault === undefined) return null;
    fault.times--;
    const group = this.#together.find((each) => each.includes(fault)) ?? [];
    if (fault.times <= 0) this.#faults = this.#faults.filter((each) => each !== fault && !group.includes(each));
    return fault;
  }

  #do(operation: Operation, request: SignedRequest, bucket: string, key: string): S3Answer {
    const { headers, url, body } = request;
    const place = `${bucket}/${key}`;
    const known = this.objects.get(place);
    switch (operation) {
      case "put": {
        this.#condition(headers, known);
        const stored = object(body, headers.get("content-type") ?? "binary/octet-stream", metaOf(headers));
        this.objects.set(place, stored);
        return this.#answer(200, { etag: stored.etag });
      }
      case "begin": {
        const id = randomBytes(48).toString("base64url");
        const type = headers.get("content-type") ?? "binary/octet-stream";
        this.uploads.set(id, { bucket, key, began: this.now(), type, meta: metaOf(headers), parts: new Map() });
        return this.#answer(
          200,
          {},
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case "part": {
        const upload = this.#upload(url, bucket, key);
        const claimed = headers.get("content-md5");
        if (claimed !== null && Buffer.from(claimed, "base64").toString("hex") !== md5(body)) {
          throw new Refusal(400, "BadDigest");
        }
        const etag = `"${this.#options.etags === "drawn" ? randomBytes(16).toString("hex") : md5(body)}"`;
        upload.parts.set(Number(url.searchParams.get("partNumber")), { bytes: body, etag });
        return this.#answer(200, { etag });
      }
      case "complete":
        return this.#complete(request, bucket, key, known);
      case "abort": {
        this.#upload(url, bucket, key);
        this.uploads.delete(url.searchParams.get("uploadId") ?? "");
        return this.#answer(204);
      }
      case "list": {
        const own = [...this.uploads].filter(([, upload]) => upload.bucket === bucket);
        return this.#answer(200, {}, listAnswerOf(new Map(own), url.searchParams));
      }
      case "head":
      case "get":
        return this.#read(request, known);
      case "delete": {
        this.#condition(headers, known);
        this.objects.delete(place);
        return this.#answer(204);
      }
    }
  }

  #upload(url: URL, bucket: string, key: string): Upload {
    const upload = this.uploads.get(url.searchParams.get("uploadId") ?? "");
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) throw new Refusal(404, "NoSuchUpload");
    return upload;
  }

  #condition(headers: Headers, known: StoredObject | undefined): void {
    const { conditions } = this.#options;
    const none = headers.get("if-none-match");
    const match = headers.get("if-match");
    if (conditions === "ignored" || (none === null && match === null)) return;
    if (conditions === "refused") throw new Refusal(501, "NotImplemented");
    if (none === "*" && known !== undefined) throw new Refusal(412, "PreconditionFailed");
    if (match !== null && known?.etag !== match)
      throw new Refusal(known === undefined ? 404 : 412, "PreconditionFailed");
  }

  #complete(
    { headers, url, body }: SignedRequest,
    bucket: string,
    key: string,
    known: StoredObject | undefined,
  ): S3Answer {
    const upload = this.#upload(url, bucket, key);
    this.#condition(headers, known);
    const named = [
      ...body.toString().matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag><\/Part>/g),
    ].map(([, number, etag]) => ({ number: Number(number), etag: (etag ?? "").replace(/&#34;|&quot;/g, '"') }));
    if (named.length === 0) throw new Refusal(400, "MalformedXML");
    const parts = named.map(({ number, etag }) => {
      const part = upload.parts.get(number);
      if (part === undefined || part.etag !== etag) throw new Refusal(400, "InvalidPart");
      return part;
    });
    if (parts.slice(0, -1).some((part) => part.bytes.length < MIN_PART_BYTES)) throw new Refusal(400, "EntityTooSmall");
    const stored = object(Buffer.concat(parts.map((part) => part.bytes)), upload.type, upload.meta);
    const { etags } = this.#options;
    const hash = etags === "amazon" ? md5(Buffer.concat(parts.map((part) => hexOf(part.etag)))) : "";
    if (etags !== "odd") stored.etag = `"${hash || randomBytes(16).toString("hex")}-${parts.length}"`;
    this.objects.set(`${bucket}/${key}`, stored);
    this.uploads.delete(url.searchParams.get("uploadId") ?? "");
    const told = etags === "odd" ? `"${md5(Buffer.from(key))}-${parts.length}"` : stored.etag;
    const etag = told.replaceAll('"', "&quot;");
    return this.#answer(
      200,
      this.#encryption(),
      `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
    );
  }

  #read({ method, headers, url }: SignedRequest, known: StoredObject | undefined): S3Answer {
    if (known === undefined)
      throw this.#options.mayList ? new Refusal(404, "NoSuchKey") : new Refusal(403, "AccessDenied");
    if ((headers.get("if-match") ?? known.etag) !== known.etag) throw new Refusal(412, "PreconditionFailed");
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "");
    const { length } = known.bytes;
    if (range !== null && Number(range[1]) >= length) throw new Refusal(416, "InvalidRange");
    const bytes = range === null ? known.bytes : known.bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    const part =
      range === null ? {} : { "content-range": `bytes ${range[1]}-${Number(range[1]) + bytes.length - 1}/${length}` };
    const disposition = url.searchParams.get("response-content-disposition");
    const answer = this.#answer(range === null ? 200 : 206, {
      ...part,
      ...this.#encryption(),
      "content-type": known.type,
      etag: known.etag,
      "last-modified": new Date().toUTCString(),
      ...(disposition === null ? {} : { "content-disposition": disposition }),
      ...Object.fromEntries(Object.entries(known.meta).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    });
    answer.headers["content-length"] = String(bytes.length);
    if (method === "GET") answer.body = bytes;
    return answer;
  }

  #encryption(): Record<string, string> {
    const { encryption } = this.#options;
    return encryption === null ? {} : { "x-amz-server-side-encryption": encryption };
  }

  #answer(status: number, headers: Record<string, string> = {}, text = ""): S3Answer {
    return { status, headers: { date: new Date(this.now()).toUTCString(), ...headers }, body: Buffer.from(text) };
  }
}

/** In the path, or in front of Amazon's host. */
function addressOf(url: URL): { bucket: string; key: string } {
  const path = url.pathname.slice(1).split("/").map(decodeURIComponent);
  const virtual = /^(.+)\.s3[.-][a-z0-9-]+\.amazonaws\.com$/.exec(url.hostname)?.[1];
  if (virtual !== undefined) return { bucket: virtual, key: path.join("/") };
  return { bucket: path[0] ?? "", key: path.slice(1).join("/") };
}

function operationOf({ method, url }: SignedRequest): Operation {
  const query = url.searchParams;
  if (query.has("uploads")) return method === "GET" ? "list" : "begin";
  if (query.has("uploadId")) return method === "PUT" ? "part" : method === "POST" ? "complete" : "abort";
  const plain: Record<string, Operation> = { PUT: "put", HEAD: "head", GET: "get", DELETE: "delete" };
  return plain[method] ?? "get";
}

function metaOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith("x-amz-meta-")).map(([name, value]) => [name.slice(11), value]),
  );
}

function object(bytes: Buffer, type: string, meta: Record<string, string>): StoredObject {
  return { bytes, etag: `"${md5(bytes)}"`, type, meta };
}

function hexOf(etag: string): Buffer {
  return Buffer.from(etag.replaceAll('"', ""), "hex");
}

function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}

function errorBody(code: string, told: Told | null = null): string {
  const region = told === null ? "" : `<Region>${told.region}</Region>`;
  const endpoint = told?.endpoint === undefined ? "" : `<Endpoint>${told.endpoint}</Endpoint>`;
  const more = `<Message>no</Message>${region}${endpoint}`;
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code>${more}</Error>`;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve, ms);
    // Keeps nobody alive. A test file that borrows our types knows timers as numbers.
    (timer as { unref(): void }).unref();
  });
}

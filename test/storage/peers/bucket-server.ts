/**
 * A server of the S3 family in memory: the operations that a bucket store uses, with the provider's names plugged in and
 * every request held against a verifier that is not our code. Faults on demand.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { listAnswerOf } from "./list-answer.ts";

export interface Heard {
  method: string;
  /** Decoded key; "" for the bucket itself. */
  key: string;
  /** Path and query as they came. */
  target: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
}

export interface Family {
  /** Null when the request is signed as it should be, else the provider's code: `SignatureDoesNotMatch`. */
  verify(request: Heard, now: number, bucket: string): string | null;
  metaPrefix: string;
  /** Whether the headers forbid to replace an object. */
  forbidsOverwrite(headers: IncomingMessage["headers"]): boolean;
  /** Code and status for a name that is taken. */
  taken: { status: number; code: string };
  /** Whether the headers' condition on the object holds. */
  unchanged?(headers: IncomingMessage["headers"], object: StoredObject): boolean;
  /** Further headers of an object. */
  describe?(object: StoredObject): Record<string, string>;
}

export interface StoredObject {
  bytes: Buffer;
  etag: string;
  headers: Record<string, string>;
  /** Rises with every object written. */
  generation: number;
}

interface Upload {
  key: string;
  /** Unix milliseconds. */
  began: number;
  headers: Record<string, string>;
  parts: Map<number, { bytes: Buffer; etag: string }>;
}

/** `endpoint`: which the refusal names as the bucket's. */
export type Fault = { status: number; code: string; endpoint?: string } | "lost" | "flip" | "replaced";

const PART_MIN_BYTES = 5 * 1_048_576;

export class BucketServer {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, Upload>();
  /** All that was asked for: `PUT key?query`. */
  readonly asked: Heard[] = [];
  /** How far the server's clock is ahead. */
  skewMs = 0;
  readonly #family: Family;
  readonly #bucket: string;
  readonly #server: Server;
  readonly #faults: { when: (request: Heard) => boolean; fault: Fault }[] = [];
  #counter = 0;

  constructor(family: Family, bucket: string) {
    this.#family = family;
    this.#bucket = bucket;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(family: Family, bucket: string): Promise<BucketServer> {
    const server = new BucketServer(family, bucket);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * The next request for which it holds meets this fault; `lost`: it is done, and the connection cut instead of an answer; `replaced`: it is
   * done, and at once another object of that size and with the same metadata put in its place.
   */
  fail(when: (request: Heard) => boolean, fault: Fault): void {
    this.#faults.push({ when, fault });
  }

  put(key: string, bytes: Uint8Array, headers: Record<string, string> = {}): StoredObject {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    const object = { bytes: Buffer.from(bytes), etag, headers, generation: ++this.#counter };
    this.objects.set(key, object);
    return object;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // hung up in the middle of the body
    }
    const url = new URL(request.url ?? "/", "http://bucket");
    const [, bucket, ...rest] = url.pathname.split("/");
    const heard: Heard = {
      method: request.method ?? "",
      key: decodeURIComponent(rest.join("/")),
      target: request.url ?? "",
      query: url.searchParams,
      headers: request.headers,
    };
    this.asked.push(heard);
    response.setHeader("date", new Date(Date.now() + this.skewMs).toUTCString());
    const at = this.#faults.findIndex(({ when }) => when(heard));
    const [found] = at < 0 ? [] : this.#faults.splice(at, 1);
    const fault = found?.fault;
    const body = Buffer.concat(chunks);
    if (fault === "flip" && body.length > 0) body[0] = (body[0] ?? 0) ^ 1;
    const answer =
      typeof fault === "object" ? refusal(fault.status, fault.code, fault.endpoint) : this.#judge(heard, bucket, body);
    const made = fault === "replaced" ? this.objects.get(heard.key) : undefined;
    if (made !== undefined)
      this.put(
        heard.key,
        made.bytes.map((byte) => byte ^ 1),
        made.headers,
      );
    if (fault === "lost") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers).end(heard.method === "HEAD" ? undefined : answer.body);
  }

  /** Without a port: what the server says to a request for this bucket. */
  respond(heard: Heard, bucket: string | undefined, body: Buffer): Answer {
    this.asked.push(heard);
    return this.#judge(heard, bucket, body);
  }

  #judge(heard: Heard, bucket: string | undefined, body: Buffer): Answer {
    const code = this.#family.verify(heard, Date.now() + this.skewMs, bucket ?? "");
    if (code !== null) return refusal(403, code);
    return bucket === this.#bucket ? this.#do(heard, body) : refusal(404, "NoSuchBucket");
  }

  #do(heard: Heard, body: Buffer): Answer {
    const { method, query, key } = heard;
    const upload = query.get("uploadId");
    if (method === "POST" && query.has("uploads")) return this.#begin(heard);
    if (method === "GET" && query.has("uploads")) return ok(listAnswerOf(this.uploads, query));
    if (method === "POST" && upload !== null) return this.#complete(heard, upload, body);
    if (method === "PUT" && upload !== null) return this.#part(heard, upload, body);
    if (method === "DELETE" && upload !== null) {
      if (!this.uploads.delete(upload)) return refusal(404, "NoSuchUpload");
      return { status: 204, headers: {}, body: "" };
    }
    if (method === "PUT") {
      this.put(key, body, this.#kept(heard));
      return { status: 200, headers: {}, body: "" };
    }
    const object = this.objects.get(key);
    if (method === "DELETE") {
      if (object !== undefined && this.#family.unchanged?.(heard.headers, object) === false) {
        return refusal(412, "PreconditionFailed");
      }
      this.objects.delete(key);
      return { status: 204, headers: {}, body: "" };
    }
    if (object === undefined) return refusal(404, "NoSuchKey");
    return this.#serve(heard, object);
  }

  #begin(heard: Heard): Answer {
    if (this.#family.forbidsOverwrite(heard.headers) && this.objects.has(heard.key)) {
      return refusal(this.#family.taken.status, this.#family.taken.code);
    }
    const id = `id+/=${++this.#counter}`;
    this.uploads.set(id, { key: heard.key, began: Date.now(), headers: this.#kept(heard), parts: new Map() });
    return ok(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  #part(heard: Heard, id: string, bytes: Buffer): Answer {
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== heard.key) return refusal(404, "NoSuchUpload");
    const md5 = createHash("md5").update(bytes);
    const claimed = heard.headers["content-md5"];
    const digest = md5.digest();
    if (claimed !== undefined && claimed !== digest.toString("base64")) return refusal(400, "BadDigest");
    const etag = `"${digest.toString("hex")}"`;
    upload.parts.set(Number(heard.query.get("partNumber")), { bytes, etag });
    return { status: 200, headers: { etag }, body: "" };
  }

  #complete(heard: Heard, id: string, body: Buffer): Answer {
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== heard.key) return refusal(404, "NoSuchUpload");
    if (this.#family.forbidsOverwrite(heard.headers) && this.objects.has(heard.key)) {
      return refusal(this.#family.taken.status, this.#family.taken.code);
    }
    const asked = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)];
    const parts = asked.map(([, number, etag]) => {
      const part = upload.parts.get(Number(number));
      return part?.etag === (etag ?? "").replaceAll("&#34;", '"') ? part : undefined;
    });
    if (parts.length === 0 || parts.includes(undefined)) return refusal(400, "InvalidPart");
    const known = parts.filter((part) => part !== undefined);
    if (known.slice(0, -1).some((part) => part.bytes.length < PART_MIN_BYTES)) {
      return refusal(400, "EntityTooSmall");
    }
    const made = this.put(heard.key, Buffer.concat(known.map((part) => part.bytes)), upload.headers);
    this.uploads.delete(id);
    const answer = ok("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
    return { ...answer, headers: { ...answer.headers, ...(this.#family.describe?.(made) ?? {}) } };
  }

  #serve(heard: Heard, object: StoredObject): Answer {
    if ((heard.headers["if-match"] ?? object.etag) !== object.etag) return refusal(412, "PreconditionFailed");
    const range = /^bytes=(\d+)-(\d+)$/.exec(heard.headers.range ?? "");
    const bytes = range === null ? object.bytes : object.bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    const disposition = heard.query.get("response-content-disposition");
    const headers = {
      ...object.headers,
      ...(this.#family.describe?.(object) ?? {}),
      ...(disposition === null ? {} : { "content-disposition": disposition }),
      "content-length": bytes.length,
      etag: object.etag,
      "last-modified": new Date().toUTCString(),
    };
    return { status: range === null ? 200 : 206, headers, body: bytes };
  }

  /** What an object keeps of the headers that it was made with. */
  #kept({ headers }: Heard): Record<string, string> {
    const kept = Object.entries(headers).filter(
      ([name]) => name === "content-type" || name.startsWith(this.#family.metaPrefix),
    );
    return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
  }
}

export interface Answer {
  status: number;
  headers: Record<string, string | number>;
  body: string | Buffer;
}

function ok(body: string): Answer {
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

function refusal(status: number, code: string, endpoint?: string): Answer {
  const more = endpoint === undefined ? "" : `<Endpoint>${endpoint}</Endpoint>`;
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message>${more}</Error>`;
  return { status, headers: { "content-type": "application/xml" }, body };
}

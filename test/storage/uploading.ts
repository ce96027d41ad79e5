/** A store under test, and uploads into it as the edge and a node do them together, one step at a time. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { CommitRequest, ObjectStore, UploadIntent } from "../../edge/storage/port.ts";

export interface StoreUnderTest {
  store: ObjectStore;
  /** Base URL under which a node reaches the edge. */
  origin: string;
  /** The URL of a part that the edge passes on; only for stores with `putPart`. */
  relay?(uploadId: string, key: string, part: number): Promise<string>;
  /** Puts an object under the key without our store: another program did it. */
  putForeign(key: string, bytes: Uint8Array): Promise<void>;
  /** How many uploads lie open or half done; null: the store does not tell. */
  countUploads(): Promise<number | null>;
  close(): Promise<void>;
}

const TYPE = "video/mp4";
let jobs = 0;

export interface SentPart {
  part_number: number;
  etag: string;
  size: number;
}

/** Bytes that differ at every offset, so that swapped parts show. */
export function sampleBytes(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Base64, as `Content-MD5` has it. */
export function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

export function intentFor(key: string, size: number | null, job = `job-${++jobs}`, token = "1.1"): UploadIntent {
  return { key, job, token, contentType: TYPE, size };
}

/** An upload as the edge and a node do it together, one step at a time. */
export class Uploading {
  readonly opened: Pick<StoreUnderTest, "store" | "origin" | "relay">;
  readonly intent: UploadIntent;
  uploadId = "";
  partSize = 0;

  constructor(opened: Uploading["opened"], intent: UploadIntent) {
    this.opened = opened;
    this.intent = intent;
  }

  async begin(): Promise<this> {
    const { uploadId, partSize } = await this.opened.store.begin(this.intent);
    this.uploadId = uploadId;
    this.partSize = partSize;
    return this;
  }

  async url(part: number, lifeMs = 60_000): Promise<string> {
    const { uploadId, partSize, opened, intent } = this;
    const expiresAt = Date.now() + lifeMs;
    const { origin } = opened;
    const relay = (number: number) =>
      opened.relay?.(uploadId, intent.key, number) ?? Promise.reject(new Error("asked for a relayed part"));
    const request = { uploadId, key: intent.key, fromPart: part, count: 1, partSize, origin, relay, expiresAt };
    const [first] = await opened.store.presignParts(request);
    return first?.url ?? "";
  }

  /** @param md5 what is told of the bytes, in base64, where the store looks at it; defaults to the truth, null: nothing is. */
  async put(part: number, bytes: Uint8Array, md5: string | null = md5Of(bytes)): Promise<Response> {
    const told = this.opened.store.partDigest === "content-md5" && md5 !== null;
    const headers: Record<string, string> = told ? { "content-md5": md5 } : {};
    return fetch(await this.url(part), { method: "PUT", headers, body: bytes as Uint8Array<ArrayBuffer> });
  }

  /** Last part first: nothing may rely on the order. */
  async putAll(bytes: Uint8Array): Promise<SentPart[]> {
    const count = Math.max(1, Math.ceil(bytes.length / this.partSize));
    const sent: SentPart[] = [];
    for (let part = count; part >= 1; part--) {
      const slice = bytes.subarray((part - 1) * this.partSize, part * this.partSize);
      const response = await this.put(part, slice);
      expect([200, 201], await response.text()).toContain(response.status);
      const etag = response.headers.get("etag") ?? response.headers.get("content-md5") ?? "";
      sent.unshift({ part_number: part, etag, size: slice.length });
    }
    return sent;
  }

  commitRequest(bytes: Uint8Array, parts: SentPart[]): CommitRequest {
    return { ...this.intent, uploadId: this.uploadId, size: bytes.length, sha256: sha256(bytes), parts };
  }
}

export async function readAll(
  store: ObjectStore,
  key: string,
  range: { offset: number; length: number } | null = null,
): Promise<Uint8Array | null> {
  const stream = await store.read(key, range, null);
  return stream && new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A part whose body stays open until `end`. */
export function openPart(url: string) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const init: RequestInit & { duplex: "half" } = { method: "PUT", body: readable, duplex: "half" };
  const succeeded = fetch(url, init).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );
  return {
    firstBytesSent: writer.write(new TextEncoder().encode("abc")),
    end: () => void writer.close().catch(() => undefined),
    succeeded,
  };
}

/**
 * Google Cloud Storage and Alibaba OSS as part of the internet of the `edge` project, by the hosts that both really have:
 * `storage.googleapis.com/<bucket>/…`, `<bucket>.oss-cn-hangzhou.aliyuncs.com/…`. Signatures are checked as everywhere.
 */
import { BUCKET as GCS_BUCKET, gcsFamily } from "../gcs/family.ts";
import { BUCKET as OSS_BUCKET, ossFamily } from "../oss/family.ts";
import { BucketServer, type Family } from "./bucket-server.ts";

interface Incoming {
  method: string;
  url: string;
  headers: Headers;
  arrayBuffer(): Promise<ArrayBuffer>;
}

class BucketInternet {
  readonly #server: BucketServer;
  readonly #place: (url: URL) => { bucket: string; path: string } | null;

  constructor(family: Family, bucket: string, place: (url: URL) => { bucket: string; path: string } | null) {
    this.#server = new BucketServer(family, bucket);
    this.#place = place;
  }

  isMine(url: string): boolean {
    return this.#place(new URL(url)) !== null;
  }

  async fetch(
    request: Incoming,
  ): Promise<{ status: number; headers: Record<string, string>; body: string | Uint8Array<ArrayBuffer> | null }> {
    const url = new URL(request.url);
    const { bucket, path } = this.#place(url) ?? { bucket: "", path: "" };
    const heard = {
      method: request.method,
      key: decodeURIComponent(path),
      target: request.url.slice(url.origin.length),
      query: url.searchParams,
      headers: { ...Object.fromEntries(request.headers), host: url.host },
    };
    const { status, headers, body } = this.#server.respond(heard, bucket, Buffer.from(await request.arrayBuffer()));
    const texts = Object.entries(headers).map(([name, value]) => [name, String(value)]);
    const empty = request.method === "HEAD" || status === 204;
    return {
      status,
      headers: Object.fromEntries(texts),
      body: empty ? null : typeof body === "string" ? body : new Uint8Array(body),
    };
  }
}

export const gcsInternet = new BucketInternet(gcsFamily, GCS_BUCKET, ({ hostname, pathname }) => {
  const [, bucket = "", ...key] = pathname.split("/");
  return hostname === "storage.googleapis.com" ? { bucket, path: key.join("/") } : null;
});

export const ossInternet = new BucketInternet(ossFamily, OSS_BUCKET, ({ hostname, pathname }) => {
  const bucket = /^([a-z0-9-]+)\.oss-cn-hangzhou\.aliyuncs\.com$/.exec(hostname)?.[1];
  return bucket === undefined ? null : { bucket, path: pathname.slice(1) };
});

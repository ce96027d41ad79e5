/**
 * S3 as part of the internet of the `edge` project: `https://s3.fake/<bucket>/…` and, with the bucket in front, Amazon's own
 * hosts. `https://control.s3.fake/` is for tests: a JSON body says what to do.
 */
import { FAKE_S3_CONTROL, type S3Control, type S3Look } from "./control.ts";
import { FakeS3 } from "./fake-s3.ts";

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | null;
}

export class S3Internet {
  readonly #amazon = new FakeS3();
  /** Cloudflare's R2, by its own hosts and region; its buckets begin with `b-r2`. */
  readonly #r2 = new FakeS3({ region: "auto" });

  isMine(url: string): boolean {
    const { hostname } = new URL(url);
    return hostname === "s3.fake" || hostname === "control.s3.fake" || hostname.endsWith(".amazonaws.com") || isR2(url);
  }

  async fetch(request: {
    method: string;
    url: string;
    headers: Headers;
    arrayBuffer(): Promise<ArrayBuffer>;
  }): Promise<Answer> {
    const body = Buffer.from(await request.arrayBuffer());
    const url = new URL(request.url);
    if (url.href === FAKE_S3_CONTROL) return this.#control(JSON.parse(body.toString()) as S3Control);
    const { method, headers } = request;
    const server = isR2(url.href) ? this.#r2 : this.#amazon;
    const answer = await server.fetch({ method, url, headers: new Headers([...headers]), body });
    // What the embedded stack's egress guard says of a connection that broke.
    if (answer === null) return { status: 502, headers: { "x-trawl-egress": "unreachable" } };
    const { status } = answer;
    const empty = method === "HEAD" || status === 204;
    return { status, headers: answer.headers, body: empty ? null : new Uint8Array(answer.body) };
  }

  #control(control: S3Control): Answer {
    const server = this.#serverOf(control);
    if (control.do === "fail") server.fail(control.fault);
    else if (control.do === "age") server.age(control.bucket, control.byMs);
    else if (control.do === "deny") server.deny(control.accessKey, control.denied);
    else if (control.do === "put") server.putForeign(control.bucket, control.key, Buffer.from(control.text));
    else return { status: 200, body: JSON.stringify(lookAt(server, control.bucket)) };
    return { status: 200, body: "{}" };
  }

  #serverOf(control: S3Control): FakeS3 {
    return "bucket" in control && control.bucket.startsWith("b-r2") ? this.#r2 : this.#amazon;
  }
}

function isR2(url: string): boolean {
  return new URL(url).hostname.endsWith(".r2.cloudflarestorage.com");
}

function lookAt(server: FakeS3, bucket: string): S3Look {
  const keys = server.keysOf(bucket);
  return {
    objects: Object.fromEntries(
      keys.map((key) => [key, server.objects.get(`${bucket}/${key}`)?.bytes.toString() ?? ""]),
    ),
    uploads: server.uploadsOf(bucket),
    calls: server.calls.filter((each) => each.bucket === bucket).map(({ operation, key }) => `${operation} ${key}`),
  };
}

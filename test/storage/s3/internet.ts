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
  readonly #server = new FakeS3();

  isMine(url: string): boolean {
    const { hostname } = new URL(url);
    return hostname === "s3.fake" || hostname === "control.s3.fake" || hostname.endsWith(".amazonaws.com");
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
    const answer = await this.#server.fetch({ method, url, headers: new Headers([...headers]), body });
    // What the embedded stack's egress guard says of a connection that broke.
    if (answer === null) return { status: 502, headers: { "x-trawl-egress": "unreachable" } };
    const { status } = answer;
    const empty = method === "HEAD" || status === 204;
    return { status, headers: answer.headers, body: empty ? null : new Uint8Array(answer.body) };
  }

  #control(control: S3Control): Answer {
    const server = this.#server;
    if (control.do === "fail") server.fail(control.fault);
    else if (control.do === "deny") server.deny(control.accessKey, control.denied);
    else if (control.do === "put") server.putForeign(control.bucket, control.key, Buffer.from(control.text));
    else return { status: 200, body: JSON.stringify(this.#look(control.bucket)) };
    return { status: 200, body: "{}" };
  }

  #look(bucket: string): S3Look {
    const keys = this.#server.keysOf(bucket);
    return {
      objects: Object.fromEntries(
        keys.map((key) => [key, this.#server.objects.get(`${bucket}/${key}`)?.bytes.toString() ?? ""]),
      ),
      uploads: this.#server.uploadsOf(bucket),
      calls: this.#server.calls
        .filter((each) => each.bucket === bucket)
        .map(({ operation, key }) => `${operation} ${key}`),
    };
  }
}

/**
 * Azure Blob Storage as part of the internet of the `edge` project: `https://<account>.blob.core.windows.net/<container>/…`,
 * for requests that bear the SAS which {@link FAKE_SAS} is. What a store asks of the real service is tried against Azurite;
 * this one is for the way of a file through the edge.
 */
import { createHash } from "node:crypto";
import { FAKE_SAS } from "./fake-sas.ts";

interface Blob {
  bytes: Buffer;
  etag: string;
  headers: Record<string, string>;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | null;
}

export class AzureInternet {
  readonly #blobs = new Map<string, Blob>();
  readonly #blocks = new Map<string, Map<string, Buffer>>();

  isMine(url: string): boolean {
    return new URL(url).hostname.endsWith(".blob.core.windows.net");
  }

  async fetch(request: {
    method: string;
    url: string;
    headers: Headers;
    arrayBuffer(): Promise<ArrayBuffer>;
  }): Promise<Answer> {
    const { method, headers } = request;
    const url = new URL(request.url);
    const body = Buffer.from(await request.arrayBuffer());
    if (url.searchParams.get("sig") !== new URLSearchParams(FAKE_SAS).get("sig")) {
      return refusal(403, "AuthenticationFailed");
    }
    const place = url.host + url.pathname;
    const known = this.#blobs.get(place);
    const comp = url.searchParams.get("comp");
    if (method === "PUT" && comp === "block") return this.#stage(place, url, headers, body);
    if (method === "PUT" && comp === "blocklist") return this.#join(place, headers, body.toString());
    if (method === "GET" && comp === "blocklist") return this.#list(place);
    if (method === "PUT") {
      this.#put(place, headers, body);
      return { status: 201 };
    }
    if (known === undefined) return refusal(404, "BlobNotFound");
    if (method === "DELETE") {
      const condition = headers.get("if-match");
      if (condition !== null && condition !== known.etag) return refusal(412, "ConditionNotMet");
      this.#blobs.delete(place);
      return { status: 202 };
    }
    if ((headers.get("if-match") ?? known.etag) !== known.etag) return refusal(412, "ConditionNotMet");
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "");
    const bytes = range === null ? known.bytes : known.bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    return {
      status: range === null ? 200 : 206,
      headers: { ...known.headers, etag: known.etag, "content-length": String(bytes.length) },
      body: method === "HEAD" ? null : new Uint8Array(bytes),
    };
  }

  #stage(place: string, url: URL, headers: Headers, body: Buffer): Answer {
    const md5 = createHash("md5").update(body).digest("base64");
    if ((headers.get("content-md5") ?? md5) !== md5) return refusal(400, "Md5Mismatch");
    const blocks = this.#blocks.get(place) ?? new Map<string, Buffer>();
    this.#blocks.set(place, blocks.set(url.searchParams.get("blockid") ?? "", body));
    return { status: 201, headers: { "content-md5": md5 } };
  }

  #list(place: string): Answer {
    const blocks = [...(this.#blocks.get(place) ?? [])].map(
      ([id, bytes]) => `<Block><Name>${id}</Name><Size>${bytes.length}</Size></Block>`,
    );
    return { status: 200, body: `<BlockList><UncommittedBlocks>${blocks.join("")}</UncommittedBlocks></BlockList>` };
  }

  #join(place: string, headers: Headers, list: string): Answer {
    if (headers.get("if-none-match") === "*" && this.#blobs.has(place)) return refusal(409, "BlobAlreadyExists");
    const staged = this.#blocks.get(place) ?? new Map<string, Buffer>();
    const ids = [...list.matchAll(/<Uncommitted>([^<]*)<\/Uncommitted>/g)].map(([, id = ""]) => id);
    if (ids.some((id) => !staged.has(id))) return refusal(400, "InvalidBlockList");
    this.#put(place, headers, Buffer.concat(ids.map((id) => staged.get(id) ?? Buffer.alloc(0))));
    this.#blocks.delete(place);
    return { status: 201 };
  }

  #put(place: string, headers: Headers, bytes: Buffer): void {
    const kept = [...headers].filter(([name]) => name.startsWith("x-ms-meta-"));
    const type = headers.get("x-ms-blob-content-type") ?? headers.get("content-type") ?? "application/octet-stream";
    const etag = `"0x${createHash("md5").update(bytes).digest("hex").slice(0, 15).toUpperCase()}"`;
    this.#blobs.set(place, { bytes, etag, headers: { ...Object.fromEntries(kept), "content-type": type } });
  }
}

function refusal(status: number, code: string): Answer {
  return { status, headers: { "x-ms-error-code": code }, body: `<Error><Code>${code}</Code></Error>` };
}

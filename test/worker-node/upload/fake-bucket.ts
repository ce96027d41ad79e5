/** A store that takes presigned part PUTs over real HTTP, with faults on demand. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Ticket } from "../../../shared/contract/fleet.ts";

/**
 * What happens to the next PUT of a part: an error answer, the connection cut before the answer or in the middle of the
 * bytes, no answer at all, the bytes not even read, one of them changed on the way, or an error whose text never ends; or
 * the part is stored by a key of the bucket's own, so that its ETag is no MD5 though it looks like one.
 */
export type PartFault =
  | { status: number; body?: string }
  | "lost"
  | "cut"
  | "hang"
  | "stall"
  | "no-etag"
  | "flip"
  | "endless"
  | "encrypt";

const ENDLESS_CHUNK = Buffer.alloc(1_048_576, "x");
const MAX_ENDLESS_BYTES = 64 * ENDLESS_CHUNK.length;

export class FakeBucket {
  /** Parts as they are stored: the last PUT of each counts. */
  readonly parts = new Map<number, Buffer>();
  /** Part numbers in the order in which PUTs began. */
  readonly puts: number[] = [];
  readonly paths: string[] = [];
  /** `Content-MD5` of the parts that were stored; it was true. */
  readonly told: (string | null)[] = [];
  /** The most PUTs that were under way at once. */
  mostAtOnce = 0;
  /** Bytes of endless answers that somebody has taken. */
  endlessBytes = 0;
  #atOnce = 0;
  readonly #server: Server;
  readonly #faults = new Map<number, PartFault[]>();
  readonly #waiters = new Set<() => void>();

  private constructor() {
    this.#server = createServer((request, response) => void this.#put(request, response));
  }

  static async start(): Promise<FakeBucket> {
    const bucket = new FakeBucket();
    await new Promise<void>((resolve) => bucket.#server.listen(0, "127.0.0.1", resolve));
    return bucket;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  fail(part: number, ...faults: PartFault[]): void {
    this.#faults.set(part, [...(this.#faults.get(part) ?? []), ...faults]);
  }

  /** Presigned URLs of `count` parts; `generation` shows in the path, so that an old URL can be told from a fresh one. */
  ticket(partSize: number, fromPart: number, count: number, generation = 0): Ticket {
    const base = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return {
      upload_id: "u1",
      kind: "media",
      language: null,
      part_size: partSize,
      urls: Array.from({ length: count }, (_, at) => ({
        part_number: fromPart + at,
        url: `${base}/${generation}/${fromPart + at}?sig=x`,
      })),
      expires_in_ms: 60_000,
    };
  }

  bytes(): Buffer {
    return Buffer.concat([...this.parts].sort(([a], [b]) => a - b).map(([, part]) => part));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  async #put(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "", "http://bucket").pathname;
    const number = Number(path.split("/")[2]);
    this.puts.push(number);
    this.paths.push(path);
    this.#atOnce++;
    response.on("close", () => this.#atOnce--);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
    const fault = this.#faults.get(number)?.shift();
    if (fault === "stall") return void request.pause();
    if (fault === "cut") return void request.once("data", () => request.socket.destroy());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (fault === "hang") return;
    if (fault === "endless") return this.#answerEndlessly(response);
    if (typeof fault === "object") return void response.writeHead(fault.status).end(fault.body ?? "");
    if (fault === "flip") bytes[0] = (bytes[0] ?? 0) ^ 1;
    const md5 = createHash("md5").update(bytes).digest();
    if ((request.headers["content-md5"] ?? md5.toString("base64")) !== md5.toString("base64")) {
      return void response.writeHead(400).end("<Error><Code>BadDigest</Code></Error>");
    }
    this.told.push(request.headers["content-md5"]?.toString() ?? null);
    this.parts.set(number, bytes);
    if (fault === "lost") return void request.socket.destroy();
    if (fault === "encrypt") {
      const headers = { etag: `"${"0".repeat(32)}"`, "x-oss-server-side-encryption": "KMS" };
      return void response.writeHead(200, headers).end();
    }
    response.writeHead(200, fault === "no-etag" ? {} : { etag: `"${md5.toString("hex")}"` }).end();
  }

  #answerEndlessly(response: ServerResponse): void {
    const more = () => {
      // Whoever takes it all is not to be starved by it: the count tells.
      if (this.endlessBytes >= MAX_ENDLESS_BYTES) return void response.end();
      this.endlessBytes += ENDLESS_CHUNK.length;
      response.write(ENDLESS_CHUNK);
    };
    response.on("drain", more);
    response.writeHead(500);
    more();
  }
}

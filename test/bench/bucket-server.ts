/**
 * As much of S3 as an upload needs, onto the disk, for benches and large tests: `node bucket-server.ts <folder>` prints `{"url"}`. It counts
 * the MD5 of all that comes and holds a part to its `Content-MD5`, as Amazon does; signatures are not looked at, and parts
 * are not put together: an object is the list of them.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

interface Stored {
  path: string;
  size: number;
  md5: string;
}

interface Upload {
  meta: Record<string, string>;
  parts: Map<number, Stored>;
}

const [folder = ""] = process.argv.slice(2);
const uploads = new Map<string, Upload>();
const objects = new Map<string, { meta: Record<string, string>; size: number; etag: string; files: string[] }>();

async function store(request: IncomingMessage): Promise<Stored> {
  const hash = createHash("md5");
  const path = join(folder, randomUUID());
  let size = 0;
  await pipeline(
    request,
    async function* (body: AsyncIterable<Buffer>) {
      for await (const chunk of body) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(path),
  );
  return { path, size, md5: hash.digest("hex") };
}

async function* read(files: readonly string[]): AsyncGenerator<Buffer> {
  for (const file of files) yield* createReadStream(file);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://bucket");
  const key = url.pathname;
  const id = url.searchParams.get("uploadId");
  const upload = uploads.get(id ?? "");
  if (request.method === "POST" && url.searchParams.has("uploads")) {
    const meta = Object.entries(request.headers).filter(([name]) => name.startsWith("x-amz-meta-"));
    const made = randomUUID();
    uploads.set(made, { meta: Object.fromEntries(meta) as Record<string, string>, parts: new Map() });
    response.end(`<InitiateMultipartUploadResult><UploadId>${made}</UploadId></InitiateMultipartUploadResult>`);
  } else if (request.method === "PUT") {
    const stored = await store(request);
    const claimed = request.headers["content-md5"];
    const good = claimed === undefined || Buffer.from(String(claimed), "base64").toString("hex") === stored.md5;
    if (!good) return void response.writeHead(400).end("<Error><Code>BadDigest</Code></Error>");
    if (upload !== undefined) upload.parts.set(Number(url.searchParams.get("partNumber")), stored);
    else objects.set(key, { meta: {}, size: stored.size, etag: `"${stored.md5}"`, files: [stored.path] });
    response.writeHead(200, { etag: `"${stored.md5}"` }).end();
  } else if (request.method === "POST" && upload !== undefined) {
    request.resume();
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const etag = `"${randomUUID()}-${parts.length}"`;
    objects.set(key, { meta: upload.meta, size, etag, files: parts.map((part) => part.path) });
    uploads.delete(id ?? "");
    response.end(`<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`);
  } else if (request.method === "HEAD" && objects.has(key)) {
    const { meta, size, etag } = objects.get(key) ?? { meta: {}, size: 0, etag: "" };
    response.writeHead(200, { ...meta, etag, "content-length": size }).end();
  } else if (request.method === "GET" && objects.has(key)) {
    await pipeline(read(objects.get(key)?.files ?? []), response);
  } else if (request.method === "DELETE") {
    for (const file of objects.get(key)?.files ?? []) await rm(file);
    objects.delete(key);
    response.writeHead(204).end();
  } else {
    response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`);
});

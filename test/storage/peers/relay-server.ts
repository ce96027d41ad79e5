/** The edge's relay of parts, over real HTTP: what a node reaches for stores that it cannot write to. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { ObjectStore } from "../../../edge/storage/port.ts";
import { StoreError } from "../../../edge/storage/store-error.ts";

export interface RelayServer {
  url(uploadId: string, key: string, partNumber: number): string;
  close(): Promise<void>;
}

export async function startRelay(store: ObjectStore): Promise<RelayServer> {
  const server = createServer(async (request, response) => {
    const query = new URL(request.url ?? "/", "http://relay").searchParams;
    try {
      const etag = await store.putPart?.({
        uploadId: query.get("upload") ?? "",
        key: query.get("key") ?? "",
        partNumber: Number(query.get("part")),
        size: Number(request.headers["content-length"]),
        body: new Uint8Array(await new Response(Readable.toWeb(request) as ReadableStream).arrayBuffer()),
        md5: request.headers["content-md5"]?.toString() ?? null,
      });
      response.writeHead(200, { etag }).end();
    } catch (error) {
      const code = error instanceof StoreError ? error.code : String(error);
      response.writeHead(400).end(JSON.stringify({ error: code }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: (upload, key, part) => `${base}/?${new URLSearchParams({ upload, key, part: String(part) })}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A {@link FakeS3} behind a real port on loopback. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeS3 } from "./fake-s3.ts";

export interface ServedS3 {
  url: string;
  close(): Promise<void>;
}

export async function serveS3(fake: FakeS3): Promise<ServedS3> {
  const server = createServer((request, response) => void answer(fake, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(fake: FakeS3, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return;
  }
  const answered = await fake.fetch({
    method: request.method ?? "",
    url: new URL(request.url ?? "", `http://${request.headers.host}`),
    headers: new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    body: Buffer.concat(chunks),
  });
  if (answered === null) response.destroy();
  else response.writeHead(answered.status, answered.headers).end(answered.body);
}

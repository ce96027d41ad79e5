/** Answers on `node:http`, in particular those given before the request's body was read. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** A JSON answer. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/**
 * Answers at once and reads on for a while: a client that is still sending meets a reset instead of the answer if the
 * socket closes under it.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: string,
  lingerBytes: number,
): void {
  if (!response.headersSent && !response.destroyed) sendJson(response, status, { error: code });
  let rest = lingerBytes;
  request.on("data", (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest < 0) request.destroy();
  });
  request.resume();
}

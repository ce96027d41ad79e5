/** As much of RFC 6455 as the fake edge needs: a server's end of one socket, whole text frames only. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x1;
const CLOSE = 0x8;

export interface ServerSocket {
  sendText(text: string): void;
  /** Says goodbye as a server that is shut down in order. */
  close(): void;
  /** Goes without a word. */
  destroy(): void;
}

export interface SocketEvents {
  onText(text: string): void;
  onClose(): void;
  /** Answers no goodbye, as one that is out of reach. */
  deaf?: boolean;
}

/** Answers the upgrade and takes over the connection. */
export function acceptSocket(request: IncomingMessage, stream: Duplex, events: SocketEvents): ServerSocket {
  const key = request.headers["sec-websocket-key"] ?? "";
  const accept = createHash("sha1")
    .update(key + GUID)
    .digest("base64");
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let pending: Buffer = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = readFrame(pending); frame !== null; frame = readFrame(pending)) {
      pending = pending.subarray(frame.length);
      if (frame.opcode === TEXT) events.onText(frame.payload.toString());
      if (frame.opcode === CLOSE && !events.deaf) stream.end(frameOf(CLOSE, frame.payload));
    }
  });
  stream.on("error", () => stream.destroy());
  stream.on("close", () => events.onClose());
  return {
    sendText: (text) => void stream.write(frameOf(TEXT, Buffer.from(text))),
    close: () => void stream.write(frameOf(CLOSE, Buffer.from([0x03, 0xe9]))),
    destroy: () => void stream.destroy(),
  };
}

interface Frame {
  opcode: number;
  payload: Buffer;
  /** Of the whole frame, bytes. */
  length: number;
}

/** The first frame of what has arrived; null until it is all there. Clients mask, always. */
function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 6) return null;
  const short = bytes.readUInt8(1) & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (bytes.length < 6 + extra) return null;
  const size = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const start = 6 + extra;
  if (bytes.length < start + size) return null;
  const mask = bytes.subarray(2 + extra, start);
  const payload = Buffer.from(bytes.subarray(start, start + size).map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return { opcode: bytes.readUInt8(0) & 0x0f, payload, length: start + size };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.from([0x80 | opcode, payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    head.writeUInt8(0x80 | opcode, 0);
    head.writeUInt8(126, 1);
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}

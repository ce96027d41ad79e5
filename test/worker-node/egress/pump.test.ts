import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Pump } from "../../../worker-node/egress/pump.ts";
import { listen } from "./harness.ts";

const BIG = Buffer.alloc(24_000_000, "0123456789abcdef");
let send: (socket: Socket) => void;
const server = createServer((socket) => {
  socket.on("error", () => undefined);
  send(socket);
});
let port: number;
beforeEach(async () => {
  port = await listen(server);
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

function pumped(sink: Writable): Socket {
  const pump = new Pump(sink);
  const source = connect({ port, host: "127.0.0.1", onread: pump.onread });
  pump.join(source);
  return source;
}

describe("a pump", () => {
  it("delivers every byte in its place to a sink that is slower than its source, and ends with it", async () => {
    send = (socket) => void socket.end(BIG);
    const taken: Buffer[] = [];
    const sink = new Writable({
      highWaterMark: 64 * 1024,
      write(chunk: Buffer, _encoding, done) {
        // Read only when its turn comes: memory that was used again too early would show.
        setImmediate(() => {
          taken.push(Buffer.from(chunk));
          done();
        });
      },
    });
    pumped(sink);
    await once(sink, "finish");
    expect(Buffer.concat(taken).equals(BIG)).toBe(true);
  });

  it("reads no further while its sink takes nothing", async () => {
    send = (socket) => void socket.end(BIG);
    let held = 0;
    const full = Promise.withResolvers<() => void>();
    const sink = new Writable({
      highWaterMark: 64 * 1024,
      write(chunk: Buffer, _encoding, done) {
        held += chunk.length;
        full.resolve(done);
      },
    });
    const source = pumped(sink);
    const done = await full.promise;
    // A turn of the loop after the first piece, another read would have come.
    await new Promise((resolve) => setImmediate(resolve));
    expect(held).toBeLessThanOrEqual(512 * 1024);
    expect(source.bytesRead).toBeLessThan(BIG.length / 2);
    done();
    source.destroy();
    sink.destroy();
  });

  it("breaks off what breaks off", async () => {
    send = (socket) => void socket.write("half", () => socket.resetAndDestroy());
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    pumped(sink);
    await once(sink, "close");
    expect(sink.writableFinished).toBe(false);
  });
});

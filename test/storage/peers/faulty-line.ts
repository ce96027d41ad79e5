/**
 * The line between a node and a store, on which things go wrong in the middle of a body: it breaks, or a bit changes on the
 * way. It reads the heads of requests that pass, and touches nothing else.
 */
import type { AddressInfo } from "node:net";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { Agent } from "undici";

/** What happens to one request, `at` a byte of its body; `at` its length: once all of it has passed. */
export interface LineFault {
  how: "cut" | "flip";
  at: number;
}

/** Asked once for each request that has a body; null: nothing happens to it. */
export type LinePlan = (request: { line: string; length: number }) => LineFault | null;

const HEAD_END = "\r\n\r\n";

export class FaultyLine {
  /** Connects through the line, wherever its requests go. */
  readonly dispatcher: Agent;
  cuts = 0;
  flips = 0;
  readonly #server: Server;
  readonly #plan: LinePlan;
  readonly #sockets = new Set<Socket>();
  /** Where the connections that wait in the server's queue are meant to go. */
  readonly #targets = new Map<number, { host: string; port: number }>();

  private constructor(plan: LinePlan) {
    this.#plan = plan;
    this.#server = createServer((client) => this.#join(client));
    this.dispatcher = new Agent({
      connect: ({ hostname, port }, callback) => {
        const { port: linePort } = this.#server.address() as AddressInfo;
        const socket = dial({ host: "127.0.0.1", port: linePort });
        socket.once("error", (error) => callback(error, null));
        socket.once("connect", () => {
          this.#targets.set(socket.localPort ?? 0, { host: hostname, port: Number(port) });
          callback(null, socket);
        });
      },
    });
  }

  static async start(plan: LinePlan): Promise<FaultyLine> {
    const line = new FaultyLine(plan);
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    return line;
  }

  async close(): Promise<void> {
    await this.dispatcher.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    // The first byte comes after the dispatcher has been told of the connection, so the target is known by then.
    client.once("data", (first: Buffer) => {
      const target = this.#targets.get(client.remotePort ?? 0);
      this.#targets.delete(client.remotePort ?? 0);
      if (target === undefined) return void client.destroy();
      const store = dial(target);
      for (const socket of [client, store]) {
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
        // The other end hears of it by the same event.
        socket.on("error", () => {});
      }
      client.once("close", () => store.destroy());
      store.once("close", () => client.destroy());
      store.pipe(client);
      const cut = () => {
        this.cuts++;
        client.resetAndDestroy();
        store.resetAndDestroy();
      };
      const requests = new Requests(this.#plan, () => this.flips++);
      const pass = (chunk: Buffer) => {
        const { bytes, over } = requests.read(chunk);
        if (over) store.write(bytes, cut);
        else if (!store.write(bytes)) {
          client.pause();
          store.once("drain", () => client.resume());
        }
      };
      pass(first);
      client.on("data", pass);
    });
    client.on("error", () => {});
  }
}

/** The requests of one connection, one after another. */
class Requests {
  readonly #plan: LinePlan;
  readonly #onFlip: () => void;
  #head = "";
  /** Bytes of this body that are still to come. */
  #left = 0;
  #fault: LineFault | null = null;
  #over = false;

  constructor(plan: LinePlan, onFlip: () => void) {
    this.#plan = plan;
    this.#onFlip = onFlip;
  }

  /** What passes of a chunk, and whether the line breaks behind it. */
  read(chunk: Buffer): { bytes: Buffer; over: boolean } {
    if (this.#over) return { bytes: Buffer.alloc(0), over: false };
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === 0) at = this.#readHead(chunk, at);
      const body = chunk.subarray(at, at + this.#left);
      const broken = this.#readBody(body);
      if (broken !== null) return { bytes: chunk.subarray(0, at + broken), over: true };
      at += body.length;
    }
    return { bytes: chunk, over: false };
  }

  /** Answers where the body begins. */
  #readHead(chunk: Buffer, at: number): number {
    const known = this.#head.length;
    this.#head += chunk.toString("latin1", at);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return chunk.length;
    const head = this.#head.slice(0, end);
    this.#head = "";
    this.#left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const line = head.slice(0, head.indexOf("\r\n"));
    this.#fault = this.#left === 0 ? null : this.#plan({ line, length: this.#left });
    return at + end + HEAD_END.length - known;
  }

  /** Flips its bit in place; answers how much passes if the line breaks here. */
  #readBody(body: Buffer): number | null {
    this.#left -= body.length;
    if (this.#fault === null) return null;
    const { how, at } = this.#fault;
    this.#fault = { how, at: at - body.length };
    if (how === "flip" && at < body.length) {
      body[at] = (body[at] ?? 0) ^ 1;
      this.#fault = null;
      this.#onFlip();
    }
    if (how === "flip" || at > body.length) return null;
    this.#over = true;
    return at;
  }
}

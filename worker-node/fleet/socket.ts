/** The socket to one partition: hints in, progress out. Losing it loses nothing; it is rebuilt with jitter. */
import type { Socket } from "node:net";
import { Agent, buildConnector, WebSocket } from "undici";
import { EdgeFrame, FLEET_BASE, type NodeFrame } from "../../shared/contract/fleet.ts";
import { MAX_FRAME_BYTES } from "../../shared/limits.ts";
import { pause, reconnectDelay } from "./backoff.ts";

export interface SocketOptions {
  edge: string;
  partition: string;
  /** Asked before each connection. */
  sessionKey(): Promise<string>;
  leaseTtlMs(): number;
  onFrame(frame: EdgeFrame): void;
  onOpen(): void;
  signal: AbortSignal;
}

/** A closing handshake takes a round trip; an edge that is out of reach never answers it. */
const GOODBYE_MS = 1_000;

export class NodeSocket {
  readonly #options: SocketOptions;
  #socket: WebSocket | null = null;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Sends if the socket is open; what cannot be sent is lost, as everything here may be. */
  send(frame: NodeFrame): void {
    const text = JSON.stringify(frame);
    if (this.#socket?.readyState === WebSocket.OPEN && text.length <= MAX_FRAME_BYTES) this.#socket.send(text);
  }

  /** Keeps a connection until the signal. Never throws. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const opened = await this.#connect().catch(() => false);
      failures = opened ? 1 : failures + 1;
      await pause(reconnectDelay(failures, this.#options.leaseTtlMs()), signal).catch(() => {});
    }
  }

  /** Resolves when the connection is over; true if it had been open. */
  async #connect(): Promise<boolean> {
    const { edge, partition, signal } = this.#options;
    const key = await this.#options.sessionKey();
    if (signal.aborted) return false;
    const url = `${edge.replace(/^http/, "ws")}${FLEET_BASE}/partitions/${encodeURIComponent(partition)}/socket`;
    const line = ownLine();
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${key}` }, dispatcher: line.dispatcher });
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let opened = false;
    let goodbye: NodeJS.Timeout | undefined;
    const close = () => {
      socket.close();
      goodbye = setTimeout(line.cut, GOODBYE_MS);
    };
    signal.addEventListener("abort", close, { once: true });
    socket.addEventListener("open", () => {
      opened = true;
      this.#options.onOpen();
    });
    socket.addEventListener("message", (message) => {
      const frame = parseFrame(message.data);
      if (frame !== null) this.#options.onFrame(frame);
    });
    socket.addEventListener("error", () => resolve(opened));
    socket.addEventListener("close", () => resolve(opened));
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", close);
      clearTimeout(goodbye);
      this.#socket = null;
      await line.dispatcher.destroy();
    }
  }
}

/** A connection that can be cut: a WebSocket waits for the other side's goodbye for as long as it takes. */
function ownLine(): { dispatcher: Agent; cut(): void } {
  const connect = buildConnector({});
  let socket: Socket | null = null;
  const dispatcher = new Agent({
    connect: (options, callback) =>
      connect(options, (...result) => {
        socket = result[1];
        callback(...result);
      }),
  });
  return { dispatcher, cut: () => void socket?.destroy() };
}

function parseFrame(data: unknown): EdgeFrame | null {
  try {
    return EdgeFrame.parse(JSON.parse(String(data)));
  } catch {
    return null;
  }
}

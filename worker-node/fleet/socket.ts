/** The socket to one partition: hints in, progress out. Losing it loses nothing; it is rebuilt with jitter. */
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

/** Node's WebSocket takes request headers; the standard's type does not know them. */
type WebSocketWithHeaders = new (url: string, options: { headers: Record<string, string> }) => WebSocket;

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
    const Socket = WebSocket as unknown as WebSocketWithHeaders;
    const socket = new Socket(url, { headers: { authorization: `Bearer ${key}` } });
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let opened = false;
    const close = () => socket.close();
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
      this.#socket = null;
    }
  }
}

function parseFrame(data: unknown): EdgeFrame | null {
  try {
    return EdgeFrame.parse(JSON.parse(String(data)));
  } catch {
    return null;
  }
}

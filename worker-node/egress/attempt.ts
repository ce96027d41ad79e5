/** One attempt's share of the proxy: its password, its connections, its bytes, what was refused to it. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Agent, type ClientRequestArgs } from "node:http";
import type { OnReadOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { dial } from "./dial.ts";
import { dispatcherOver } from "./dispatcher.ts";
import { IDLE_TIMEOUT_MS, MAX_CONNECTIONS_PER_ATTEMPT, MAX_REFUSALS_KEPT } from "./limits.ts";
import { EgressError, type EgressPolicy, type EgressReason } from "./policy.ts";
import type { Target } from "./resolve.ts";
import { dialThrough, type Upstream } from "./upstream.ts";

export interface Refusal {
  host: string;
  reason: EgressReason;
}

export interface AttemptBytes {
  /** From the internet. */
  received: number;
  /** To the internet. */
  sent: number;
}

export class ProxyAttempt {
  readonly id: string;
  readonly user: string = randomBytes(8).toString("hex");
  readonly password: string = randomBytes(24).toString("hex");
  readonly refusals: Refusal[] = [];
  /** Keeps plain HTTP connections between requests: a playlist of segments would dial for each one. */
  readonly agent: Agent;
  readonly #digest = digestOf(this.password);
  readonly #policy: EgressPolicy;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Duplex>();
  readonly #ended = new AbortController();
  readonly #closedBytes: AttemptBytes = { received: 0, sent: 0 };
  #dialling = 0;
  #dispatcher: Dispatcher | null = null;

  readonly #upstream: Upstream | null;

  /** @param upstream A proxy of the user's, through which all is reached. */
  constructor(id: string, policy: EgressPolicy, upstream: Upstream | null = null) {
    this.id = id;
    this.#policy = policy;
    this.#upstream = upstream;
    this.agent = new GuardedAgent(this);
  }

  hasPassword(password: string): boolean {
    return timingSafeEqual(digestOf(password), this.#digest);
  }

  /** Its sockets speak with a proxy first: none of them can take an `onread`. */
  get chained(): boolean {
    return this.#upstream !== null;
  }

  /** @throws EgressError */
  async dial(target: Target, onread?: OnReadOpts): Promise<Socket> {
    if (this.#ended.signal.aborted) throw new EgressError("closed", target.host);
    if (this.#sockets.size + this.#dialling >= MAX_CONNECTIONS_PER_ATTEMPT) throw new EgressError("limit", target.host);
    this.#dialling++;
    try {
      const { signal } = this.#ended;
      const socket =
        this.#upstream === null
          ? await dial(target, this.#policy, { signal, ...(onread ? { onread } : {}) })
          : await dialThrough(this.#upstream, target, this.#policy, { signal });
      this.#track(socket);
      return socket;
    } finally {
      this.#dialling--;
    }
  }

  /**
   * For our own requests on the attempt's behalf: same checks, same counters, cut with it, and no detour over the proxy's
   * socket.
   */
  get dispatcher(): Dispatcher {
    this.#dispatcher ??= dispatcherOver((target) =>
      this.dial(target).catch((error: unknown) => {
        if (error instanceof EgressError) this.noteRefusal(error);
        throw error;
      }),
    );
    return this.#dispatcher;
  }

  noteRefusal(error: EgressError): void {
    if (this.refusals.length < MAX_REFUSALS_KEPT) this.refusals.push({ host: error.host, reason: error.reason });
  }

  /** A connection of the attempt's tools; it goes when the attempt goes. */
  addClient(client: Duplex): void {
    if (this.#clients.has(client)) return;
    this.#clients.add(client);
    client.once("close", () => this.#clients.delete(client));
  }

  /** Read from the sockets' own counters: nothing is counted chunk by chunk. */
  bytes(): AttemptBytes {
    let { received, sent } = this.#closedBytes;
    for (const socket of this.#sockets) {
      received += socket.bytesRead;
      sent += socket.bytesWritten;
    }
    return { received, sent };
  }

  close(): void {
    this.#ended.abort();
    this.agent.destroy();
    void this.#dispatcher?.destroy();
    for (const socket of this.#sockets) socket.destroy();
    for (const client of this.#clients) client.destroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#closedBytes.received += socket.bytesRead;
      this.#closedBytes.sent += socket.bytesWritten;
    });
    // Closed while it was being dialled.
    if (this.#ended.signal.aborted) socket.destroy();
  }
}

/** Node's connection pool on top of the guard's connections. */
class GuardedAgent extends Agent {
  readonly #attempt: ProxyAttempt;

  constructor(attempt: ProxyAttempt) {
    super({ keepAlive: true, maxTotalSockets: MAX_CONNECTIONS_PER_ATTEMPT, scheduling: "lifo" });
    this.#attempt = attempt;
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const target = { host: String(options.host ?? ""), port: Number(options.port) };
    this.#attempt.dial(target).then(
      (socket) => callback?.(null, socket),
      // Node's type wants a stream beside every error; its code takes the error alone.
      (error: unknown) => (callback as ((error: unknown) => void) | undefined)?.(error),
    );
    return undefined;
  }
}

function digestOf(password: string): Buffer {
  return createHash("sha256").update(password).digest();
}

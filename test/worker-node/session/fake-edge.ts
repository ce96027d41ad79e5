/**
 * A small edge that speaks the fleet protocol over real HTTP and real sockets, with faults on demand. It holds no state but
 * sessions: what is leased, killed and answered is the test's to say. All intervals are tens of milliseconds, because a node
 * takes its clock from the edge.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { EdgeFrame, Held, Intervals, LeasedJob, NodeFrame } from "../../../shared/contract/fleet.ts";
import { jobOptions } from "../../job-options.ts";
import { acceptSocket, type ServerSocket } from "./web-socket.ts";

export const PARTITION = "p1:auto:0";

/** One call that arrived. `name` is the path's last part: `sessions`, `heartbeat`, `confirm` … */
export interface EdgeCall {
  name: string;
  path: string;
  body: Record<string, unknown>;
  sessionKey: string | null;
  traceparent: string | null;
}

/**
 * What happens to the next call of a name, instead of its answer: the connection is cut before it is handled (`refused`) or
 * after (`lost`), nothing comes (`hang`), the answer has another shape (`garbage`), or the edge refuses.
 */
export type Fault = "refused" | "lost" | "hang" | "garbage" | { status: number; error: string; retryAfter?: string };

type Handler = (call: EdgeCall) => unknown;

export class FakeEdge {
  readonly calls: EdgeCall[] = [];
  readonly frames: NodeFrame[] = [];
  intervals: Intervals = { lease_ttl_ms: 400, heartbeat_ms: 30, poll_ms: 40, progress_ms: 20 };
  expiresInMs = 60_000;
  /** Why sessions that are opened from now on get no work. */
  quiet: string | null = null;
  partitions = [PARTITION];
  /** Given out by the next lease, once. */
  offers: LeasedJob[] = [];
  /** Named by the next heartbeat, once. */
  kill: Held[] = [];
  session = 0;
  readonly #server: Server;
  readonly #handlers = new Map<string, Handler>();
  readonly #faults = new Map<string, Fault[]>();
  readonly #sockets = new Set<ServerSocket>();
  readonly #waiters = new Set<() => void>();
  #opened = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, stream) => {
      const fault = this.#takeFault("socket");
      if (fault !== null && fault !== "hang") {
        stream.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
        return;
      }
      const socket = acceptSocket(request, stream, {
        onText: (text) => {
          this.frames.push(JSON.parse(text) as NodeFrame);
          this.#wake();
        },
        onClose: () => this.#sockets.delete(socket),
        deaf: fault === "hang",
      });
      this.calls.push({
        name: "socket",
        path: request.url ?? "",
        body: {},
        sessionKey: bearer(request),
        traceparent: null,
      });
      this.#sockets.add(socket);
      this.#opened++;
      this.#wake();
    });
  }

  static async start(): Promise<FakeEdge> {
    const edge = new FakeEdge();
    await new Promise<void>((resolve) => edge.#server.listen(0, "127.0.0.1", resolve));
    return edge;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  // --- what the test says

  /** Another answer to all calls of this name. */
  on(name: string, handler: Handler): void {
    this.#handlers.set(name, handler);
  }

  /** The next calls of this name go wrong, one fault each. */
  fail(name: string, ...faults: Fault[]): void {
    this.#faults.set(name, [...(this.#faults.get(name) ?? []), ...faults]);
  }

  /** The faults that are left of this name will not come. */
  mend(name: string): void {
    this.#faults.delete(name);
  }

  offer(changes: Partial<LeasedJob> = {}): LeasedJob {
    const job: LeasedJob = {
      job: randomUUID(),
      token: "1.1",
      url: "https://media.example.com/v1",
      options: jobOptions({ playlist: "always" }),
      max_filesize_bytes: null,
      max_duration_seconds: null,
      deadline_ms: 60_000,
      confirm_within_ms: 5_000,
      traceparent: null,
      ...changes,
    };
    this.offers.push(job);
    return job;
  }

  send(frame: EdgeFrame | string): void {
    for (const socket of this.#sockets) socket.sendText(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Ends all sockets, in order or not. */
  endSockets(how: "close" | "destroy"): void {
    for (const socket of this.#sockets) socket[how]();
  }

  // --- what the test sees

  named(name: string): EdgeCall[] {
    return this.calls.filter((call) => call.name === name);
  }

  /** The `count`th call of a name, once it has come. */
  async nth(name: string, count = 1): Promise<EdgeCall> {
    await this.until(() => this.named(name).length >= count);
    return this.named(name)[count - 1] as EdgeCall;
  }

  socketsOpened(count: number): Promise<void> {
    return this.until(() => this.#opened >= count);
  }

  /** Looks again after each call, frame and socket. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  // --- the protocol

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (
      await request
        .setEncoding("utf8")
        .toArray()
        .catch(() => [])
    ).join("");
    const path = request.url ?? "";
    const name = path.slice(path.lastIndexOf("/") + 1);
    const body = JSON.parse(text || "{}") as Record<string, unknown>;
    const traceparent = String(request.headers.traceparent ?? "") || null;
    const call = { name, path, body, sessionKey: bearer(request), traceparent };
    const fault = this.#takeFault(name);
    this.calls.push(call);
    const answer = fault === null || fault === "lost" ? (this.#handlers.get(name) ?? this.#answer)(call) : null;
    this.#wake();
    if (fault === "hang") return;
    if (fault === "refused" || fault === "lost") {
      request.socket.destroy();
      return;
    }
    if (fault === "garbage") return send(response, 200, { unexpected: true });
    if (fault === null) return send(response, 200, answer);
    const headers = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
    send(response, fault.status, { error: fault.error, message: `told to say ${fault.error}` }, headers);
  }

  readonly #answer: Handler = ({ name, body }) => {
    switch (name) {
      case "register":
        return { node_id: randomUUID(), name: body.name };
      case "challenge":
        return { nonce: randomUUID() };
      case "sessions":
        if (body.resume !== this.session) this.session++;
        return this.#session();
      case "heartbeat":
        return { kill: this.kill.splice(0), intervals: this.intervals };
      case "lease":
        return { jobs: this.offers.splice(0) };
      case "extracted":
        return { decision: "stop" };
      case "complete":
        return { state: "finishing" };
      default:
        return { state: "running" };
    }
  };

  #session() {
    return {
      session: this.session,
      session_key: `${this.session}.${randomUUID()}`,
      expires_in_ms: this.expiresInMs,
      partitions: this.partitions,
      intervals: this.intervals,
      features: [],
      ...(this.quiet === null ? {} : { quiet: this.quiet }),
    };
  }

  #takeFault(name: string): Fault | null {
    return this.#faults.get(name)?.shift() ?? null;
  }
}

function bearer(request: IncomingMessage): string | null {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? null;
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

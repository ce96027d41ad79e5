/**
 * The egress guard's proxy: a forward proxy on loopback through which yt-dlp reaches what users name. Each attempt has a
 * password of its own, so that its connections can be told from others', counted, and cut when it ends.
 *
 * Seen: for 400 MB it takes 130 ms of processor time through CONNECT, and 650 ms for plain HTTP, which is parsed twice
 * (docs/decisions/081).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { HostSlots } from "../fetch/hosts.ts";
import type { FetchWay } from "../fetch/send.ts";
import { type AttemptBytes, ProxyAttempt, type Refusal } from "./attempt.ts";
import { forward } from "./forward.ts";
import { HEADERS_TIMEOUT_MS, IDLE_TIMEOUT_MS, KEEP_ALIVE_MS, MAX_CONNECTIONS, MAX_HEADER_BYTES } from "./limits.ts";
import { type EgressOptions, resolveEgress } from "./policy.ts";
import { sendRaw, tunnel } from "./tunnel.ts";
import type { Upstream } from "./upstream.ts";

export interface EgressAttempt {
  /** `http://user:password@127.0.0.1:port`, for a tool's proxy option. A secret of the attempt. */
  proxyUrl: string;
  /** The same way for our own requests, which need no proxy. */
  direct: FetchWay;
  /** Bytes exchanged with the internet so far. */
  bytes(): AttemptBytes;
  /** What the guard did not connect, the first few. A tool may hide the reason; here it stands. */
  refusals(): readonly Refusal[];
  /** Voids the password and cuts the attempt's connections. */
  close(): void;
}

export interface EgressProxy {
  port: number;
  /** @param through A proxy that all of the attempt's connections are to take; it is dialled as they are. */
  openAttempt(id: string, through?: Upstream | null): EgressAttempt;
  /** Bytes exchanged with the internet by all attempts so far, closed ones included. */
  bytes(): AttemptBytes;
  close(): Promise<void>;
}

const REALM = 'Proxy-Authenticate: Basic realm="trawl"';

/**
 * @example
 * const proxy = await startEgressProxy({ ownPorts: new Set([edgePort]) });
 * const { proxyUrl, close } = proxy.openAttempt("job.1.1");
 */
export async function startEgressProxy(options: EgressOptions = {}): Promise<EgressProxy> {
  const outer = resolveEgress(options);
  let port = 0;
  // The proxy's own port is ours as well: a request through it to itself would go round.
  const policy = { ...outer, isOwnPort: (asked: number) => asked === port || outer.isOwnPort(asked) };
  const attempts = new Map<string, ProxyAttempt>();
  const hosts = new HostSlots();
  const closed: AttemptBytes = { received: 0, sent: 0 };

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    const attempt = authenticate(attempts, request);
    if (attempt === null) return demandPassword(response);
    attempt.addClient(request.socket);
    forward(attempt, request, response);
  });
  server.on("connect", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const attempt = authenticate(attempts, request);
    if (attempt === null) return sendRaw(client, 407, "Proxy Authentication Required", [REALM]);
    attempt.addClient(client);
    void tunnel(attempt, request, client, head);
  });
  server.on("clientError", (_error, client) => client.destroy());
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  // An upload or a slow download may take any time; a silent one is cut by the idle timeout.
  server.requestTimeout = 0;
  server.setTimeout(IDLE_TIMEOUT_MS, (socket) => socket.destroy());
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });

  return {
    port,
    openAttempt(id, through = null) {
      const attempt = new ProxyAttempt(id, policy, through);
      attempts.set(attempt.user, attempt);
      return {
        proxyUrl: `http://${attempt.user}:${attempt.password}@127.0.0.1:${port}`,
        direct: {
          get dispatcher() {
            return attempt.dispatcher;
          },
          hosts,
        },
        bytes: () => attempt.bytes(),
        refusals: () => attempt.refusals,
        close() {
          const { received, sent } = attempt.bytes();
          // A second close finds it counted.
          if (attempts.delete(attempt.user)) {
            closed.received += received;
            closed.sent += sent;
          }
          attempt.close();
        },
      };
    },
    bytes() {
      const all = [closed, ...[...attempts.values()].map((attempt) => attempt.bytes())];
      const sum = (of: keyof AttemptBytes) => all.reduce((total, each) => total + each[of], 0);
      return { received: sum("received"), sent: sum("sent") };
    },
    close() {
      for (const attempt of attempts.values()) attempt.close();
      attempts.clear();
      const gone = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return gone;
    },
  };
}

function authenticate(attempts: Map<string, ProxyAttempt>, request: IncomingMessage): ProxyAttempt | null {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers["proxy-authorization"] ?? "")?.[1];
  if (encoded === undefined) return null;
  const [user = "", password = ""] = Buffer.from(encoded, "base64").toString("utf8").split(":", 2);
  const attempt = attempts.get(user);
  return attempt?.hasPassword(password) ? attempt : null;
}

function demandPassword(response: ServerResponse): void {
  response.writeHead(407, { "proxy-authenticate": 'Basic realm="trawl"', "content-length": 0, connection: "close" });
  response.end();
}

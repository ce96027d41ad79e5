/** Origins on loopback and clients that speak to the proxy as tools do. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import type { Lookup } from "../../../worker-node/egress/policy.ts";

export interface Origin {
  port: number;
  url: string;
  close(): Promise<void>;
}

export async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export async function startOrigin(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Origin> {
  const server = createServer(answer);
  const port = await listen(server);
  return { port, url: `http://127.0.0.1:${port}`, close: () => stop(server) };
}

function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

/** Sends back what it gets, and ends when its peer ends. */
export async function startEcho(): Promise<Origin> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  const port = await listen(server);
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port, url: `http://127.0.0.1:${port}`, close };
}

/** A resolver that knows these names only; each call counts. */
export function fakeLookup(names: Record<string, string[]>): Lookup & { calls: string[] } {
  const calls: string[] = [];
  const lookup = async (host: string) => {
    calls.push(host);
    const found = names[host];
    if (found === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    return found.map((address) => ({ address, family: address.includes(":") ? (6 as const) : (4 as const) }));
  };
  return Object.assign(lookup, { calls });
}

export interface Answer {
  status: number;
  reason: string;
  headers: IncomingMessage["headers"];
  body: string;
  /** False: the connection broke before the end of the body. */
  complete: boolean;
}

interface ProxiedRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const authorization = (url: URL) => `Basic ${Buffer.from(`${url.username}:${url.password}`).toString("base64")}`;

/** A plain request in absolute form. */
export function viaProxy(proxyUrl: string, target: string, options: ProxiedRequest = {}): Promise<Answer> {
  const proxy = new URL(proxyUrl);
  const auth = proxy.username === "" ? {} : { "proxy-authorization": authorization(proxy) };
  return new Promise((resolve, reject) => {
    const sent = request({
      host: proxy.hostname,
      port: proxy.port,
      path: target,
      method: options.method ?? "GET",
      headers: { host: URL.canParse(target) ? new URL(target).host : "x", ...auth, ...options.headers },
      agent: false,
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString("latin1");
      });
      response.on("error", () => undefined);
      response.on("close", () => {
        const { statusCode, statusMessage, headers, complete } = response;
        resolve({ status: statusCode ?? 0, reason: statusMessage ?? "", headers, body, complete });
      });
    });
    sent.end(options.body);
  });
}

export interface Tunnel {
  status: number;
  reason: string;
  headers: IncomingMessage["headers"];
  socket: Socket;
}

/** `CONNECT authority`. The socket is the caller's to end. */
export function connectVia(proxyUrl: string, authority: string): Promise<Tunnel> {
  const proxy = new URL(proxyUrl);
  const headers = proxy.username === "" ? {} : { "proxy-authorization": authorization(proxy) };
  return new Promise((resolve, reject) => {
    const sent = request({
      host: proxy.hostname,
      port: proxy.port,
      method: "CONNECT",
      path: authority,
      headers,
      agent: false,
    });
    sent.on("error", reject);
    sent.on("connect", (response, socket) => {
      socket.on("error", () => undefined);
      resolve({
        status: response.statusCode ?? 0,
        reason: response.statusMessage ?? "",
        headers: response.headers,
        socket: socket as Socket,
      });
    });
    sent.end();
  });
}

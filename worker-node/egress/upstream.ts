/**
 * The way to a target through a proxy that a user named (library API 5.1). The proxy itself is dialled as any target is; what
 * it reaches is reached from where it stands, so names are its to resolve, and only what is said in so many words is refused.
 *
 * HTTP proxies are asked for a tunnel (CONNECT, RFC 9110 section 9.3.6) for plain HTTP, too; SOCKS5 is RFC 1928 with the
 * passwords of RFC 1929, SOCKS4 its form with names (4a).
 */
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { isForbiddenAddress } from "../../shared/ip.ts";
import { formatAddress, parseAddress } from "../../shared/ip-parse.ts";
import { type DialOptions, dial } from "./dial.ts";
import { DIAL_TIMEOUT_MS } from "./limits.ts";
import { EgressError, type EgressPolicy } from "./policy.ts";
import { checkName, type Target } from "./resolve.ts";

type Scheme = "http" | "https" | "socks4" | "socks5";

export interface Upstream {
  scheme: Scheme;
  target: Target;
  user: string;
  password: string;
}

/** Schemes as yt-dlp takes them; names always go to a SOCKS proxy as names. */
const SCHEMES: Readonly<Record<string, Scheme>> = {
  http: "http",
  https: "https",
  socks: "socks5",
  socks4: "socks4",
  socks4a: "socks4",
  socks5: "socks5",
  socks5h: "socks5",
};
const DEFAULT_PORTS: Readonly<Record<Scheme, number>> = { http: 80, https: 443, socks4: 1080, socks5: 1080 };
/** Of any reply: a head of a CONNECT is 100 bytes or so. */
const MAX_REPLY_BYTES = 16 * 1024;
/** Of a user name, a password or a host name in SOCKS. */
const MAX_SOCKS_TEXT_BYTES = 255;

/**
 * Null for what is no proxy's address.
 *
 * @example parseUpstream("socks5://anna:secret@proxy.example:1080")?.target // { host: "proxy.example", port: 1080 }
 */
export function parseUpstream(address: string): Upstream | null {
  const [, name = "http", rest = ""] = /^(?:([a-z0-9]+):\/\/)?(.*)$/is.exec(address.trim()) ?? [];
  const scheme = SCHEMES[name.toLowerCase()];
  // Read by the rules of http, whose URLs have a host that is normalised.
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : null;
  if (scheme === undefined || url === null) return null;
  // The URL drops the port that is http's own.
  const given = url.port === "" && /:0*80\/?$/.test(rest) ? 80 : Number(url.port);
  const text = (encoded: string) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  };
  const user = text(url.username);
  const password = text(url.password);
  const target = { host: url.hostname, port: given || DEFAULT_PORTS[scheme] };
  return { scheme, target, user, password };
}

/** @throws EgressError */
export async function dialThrough(
  upstream: Upstream,
  target: Target,
  policy: EgressPolicy,
  options: Pick<DialOptions, "signal">,
): Promise<Socket> {
  const host = checkName(target, policy);
  const literal = parseAddress(host);
  if (literal !== null && isForbiddenAddress(formatAddress(literal), policy)) throw new EgressError("private", host);
  const socket = await dial(upstream.target, policy, options);
  const timer = setTimeout(() => socket.destroy(new EgressError("timeout", target.host)), DIAL_TIMEOUT_MS);
  try {
    const way = upstream.scheme === "https" ? await secured(socket, upstream.target.host) : socket;
    await HANDSHAKES[upstream.scheme](way, { ...target, host }, upstream);
    return way;
  } catch (error) {
    socket.destroy();
    throw error instanceof EgressError ? error : new EgressError("unreachable", target.host, error);
  } finally {
    clearTimeout(timer);
  }
}

type Handshake = (socket: Socket, target: Target, upstream: Upstream) => Promise<void>;
const HANDSHAKES: Readonly<Record<Scheme, Handshake>> = { http: tunnel, https: tunnel, socks4, socks5 };

function secured(socket: Socket, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const name = /[:[]|^[\d.]+$/.test(host) ? {} : { servername: host };
    const tls = connectTls({ socket, ...name }, () => {
      tls.off("error", reject);
      resolve(tls);
    });
    tls.once("error", reject);
  });
}

async function tunnel(socket: Socket, { host, port }: Target, { user, password }: Upstream): Promise<void> {
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const basic = Buffer.from(`${user}:${password}`).toString("base64");
  const credentials = user === "" && password === "" ? "" : `Proxy-Authorization: Basic ${basic}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  const head = await reply(socket, (seen) => {
    const end = seen.indexOf("\r\n\r\n");
    return end < 0 ? null : end + 4;
  });
  if (!/^HTTP\/1\.[01] 2\d\d\b/.test(head.toString("latin1"))) throw new Error("the proxy refused the tunnel");
}

async function socks5(socket: Socket, { host, port }: Target, { user, password }: Upstream): Promise<void> {
  const named = user !== "" || password !== "";
  socket.write(Buffer.from(named ? [5, 2, 0, 2] : [5, 1, 0]));
  const [, method] = await reply(socket, () => 2);
  if (method === 2) {
    socket.write(Buffer.concat([Buffer.from([1]), sized(user), sized(password)]));
    const [, status] = await reply(socket, () => 2);
    if (status !== 0) throw new Error("the proxy refused the password");
  } else if (method !== 0) throw new Error("the proxy wants another way to sign in");
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), addressOf(host), bytesOf(port)]));
  const answer = await reply(socket, (seen) => {
    // Its own address by type: IPv4, a name with its length, IPv6.
    const [, , , type, length = 0] = seen;
    if (seen.length < 5) return null;
    return 6 + (type === 1 ? 4 : type === 4 ? 16 : 1 + length);
  });
  if (answer[1] !== 0) throw new Error("the proxy could not connect");
}

async function socks4(socket: Socket, { host, port }: Target, { user }: Upstream): Promise<void> {
  const zero = Buffer.from([0]);
  const literal = parseAddress(host);
  if (literal?.length === 16) throw new Error("SOCKS4 knows no IPv6");
  // An address of this form says that a name follows.
  const address = literal === null ? [0, 0, 0, 1] : [...literal];
  const name = literal === null ? [Buffer.from(host), zero] : [];
  socket.write(
    Buffer.concat([Buffer.from([4, 1]), bytesOf(port), Buffer.from(address), Buffer.from(user), zero, ...name]),
  );
  const answer = await reply(socket, () => 8);
  if (answer[1] !== 90) throw new Error("the proxy could not connect");
}

function addressOf(host: string): Buffer {
  const literal = parseAddress(host);
  if (literal === null) return Buffer.concat([Buffer.from([3]), sized(host)]);
  return Buffer.from([literal.length === 4 ? 1 : 4, ...literal]);
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, MAX_SOCKS_TEXT_BYTES);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function bytesOf(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff]);
}

/** One reply, and not a byte of what comes behind it. @param lengthOf null while that cannot be told. */
function reply(socket: Socket, lengthOf: (seen: Buffer) => number | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const settle = (error: Error | null): void => {
      for (const [event, listener] of listeners) socket.off(event, listener);
      if (error !== null) reject(error);
    };
    const onReadable = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
        seen = Buffer.concat([seen, chunk]);
      const length = lengthOf(seen);
      if (length === null || seen.length < length) {
        if (seen.length > MAX_REPLY_BYTES) settle(new Error("the proxy's reply does not end"));
        return;
      }
      settle(null);
      if (seen.length > length) socket.unshift(seen.subarray(length));
      resolve(seen.subarray(0, length));
    };
    const onOver = (error?: unknown): void => settle(error instanceof Error ? error : new Error("the proxy hung up"));
    const listeners: [string, (...args: unknown[]) => void][] = [
      ["readable", onReadable],
      ["end", onOver],
      ["error", onOver],
      ["close", onOver],
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
    onReadable();
  });
}

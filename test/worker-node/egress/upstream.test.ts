/** The guard's connections through a proxy that a user named. */
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { parseUpstream } from "../../../worker-node/egress/upstream.ts";
import { connectVia, fakeLookup, listen, type Origin, startEcho, startOrigin, viaProxy } from "./harness.ts";

let origin: Origin;
let guard: EgressProxy;
let lookup: ReturnType<typeof fakeLookup>;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  origin = await startOrigin((request, response) =>
    response.end(`${request.method} ${request.url} at ${request.headers.host}`),
  );
  lookup = fakeLookup({ "proxy.example": ["127.0.0.1"] });
  guard = await startEgressProxy({ allowPrivate: true, lookup });
});
afterEach(async () => {
  await guard.close();
  await origin.close();
  await Promise.all(closing.splice(0).map((close) => close()));
});

const through = (address: string) => guard.openAttempt("through", parseUpstream(address));

/** A proxy of SOCKS: answers what `script` says to each message, then leads to the origin. */
async function startSocks(script: (message: Buffer) => number[] | "connect", accepted: number[]) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client.on("error", () => undefined));
    client.on("data", function onData(message: Buffer) {
      const answer = script(message);
      asked.push(message.toString("latin1"));
      if (answer !== "connect") return void client.write(Buffer.from(answer));
      client.off("data", onData);
      // In one piece with the first bytes of the answer, as a proxy may.
      client.write(Buffer.from(accepted));
      fetch(origin.url).then(async (response) => {
        const body = await response.text();
        client.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
    });
  });
  const port = await listen(server);
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port, asked };
}

describe("an attempt with a proxy of the user's", () => {
  it("reaches all through it, with its password, and leaves names to it", async () => {
    const theirs = await startEgressProxy({
      allowPrivate: true,
      lookup: fakeLookup({ "media.example": ["127.0.0.1"] }),
    });
    closing.push(() => theirs.close());
    const account = theirs.openAttempt("theirs");
    const way = through(account.proxyUrl.replace("127.0.0.1", "proxy.example"));
    const answer = await viaProxy(way.proxyUrl, `http://media.example:${origin.port}/a?b`);
    expect(answer).toMatchObject({ status: 200, body: `GET /a?b at media.example:${origin.port}` });
    expect(lookup.calls).toEqual(["proxy.example"]);
    expect(account.bytes().received).toBeGreaterThan(0);
    expect(way.bytes().received).toBeGreaterThan(0);
  });

  it("goes through it in tunnels, too", async () => {
    const [theirs, echo] = await Promise.all([startEgressProxy({ allowPrivate: true }), startEcho()]);
    closing.push(
      () => theirs.close(),
      () => echo.close(),
    );
    const account = theirs.openAttempt("theirs");
    const { status, socket } = await connectVia(through(account.proxyUrl).proxyUrl, `127.0.0.1:${echo.port}`);
    expect(status).toBe(200);
    const big = Buffer.alloc(300_000, "x");
    socket.end(big);
    const echoed: Buffer[] = await socket.toArray();
    expect(Buffer.concat(echoed).equals(big)).toBe(true);
    expect(account.bytes().received).toBe(big.length);
  });

  it("hears of a proxy that refuses", async () => {
    const theirs = await startEgressProxy({ allowPrivate: true });
    closing.push(() => theirs.close());
    const way = through(`http://nobody:wrong@127.0.0.1:${theirs.port}`);
    const answer = await viaProxy(way.proxyUrl, `${origin.url}/`);
    expect(answer.status).toBe(502);
    expect(way.refusals()).toEqual([{ host: "127.0.0.1", reason: "unreachable" }]);
  });

  it("takes SOCKS5 with a password", async () => {
    const answers = [
      [5, 2],
      [1, 0],
    ];
    const { port, asked } = await startSocks(() => answers.shift() ?? "connect", [5, 0, 0, 1, 1, 2, 3, 4, 0, 80]);
    const way = through(`socks5://anna:se%2Fcret@127.0.0.1:${port}`);
    const answer = await viaProxy(way.proxyUrl, "http://media.example:8080/");
    expect(answer.status).toBe(200);
    expect(asked).toEqual(["\x05\x02\x00\x02", "\x01\x04anna\x07se/cret", "\x05\x01\x00\x03\x0dmedia.example\x1f\x90"]);
  });

  it("takes SOCKS4 by names", async () => {
    const { port, asked } = await startSocks(() => "connect", [0, 90, 0, 0, 0, 0, 0, 0]);
    const way = through(`socks4://anna@127.0.0.1:${port}`);
    expect((await viaProxy(way.proxyUrl, "http://media.example/")).status).toBe(200);
    expect(asked).toEqual(["\x04\x01\x00\x50\x00\x00\x00\x01anna\x00media.example\x00"]);
  });

  it.each(["127.0.0.1", "[fd00::1]", "localhost", "2130706433"])("does not ask it for %s", async (host) => {
    const strict = await startEgressProxy({ allowHosts: ["proxy.example"], lookup });
    closing.push(() => strict.close());
    const way = strict.openAttempt("strict", parseUpstream("http://proxy.example:9"));
    const answer = await viaProxy(way.proxyUrl, `http://${host}/`);
    expect(answer.status).toBe(403);
    expect(lookup.calls).toEqual([]);
  });

  it("does not dial a proxy at a private address", async () => {
    const strict = await startEgressProxy({ lookup });
    closing.push(() => strict.close());
    const way = strict.openAttempt("strict", parseUpstream("http://proxy.example:8080"));
    expect((await viaProxy(way.proxyUrl, "http://media.example/")).status).toBe(403);
  });
});

it.each([
  ["http://a.example", { scheme: "http", target: { host: "a.example", port: 80 } }],
  ["a.example:3128", { scheme: "http", target: { host: "a.example", port: 3128 } }],
  [
    "https://u:p%40@A.example/",
    { scheme: "https", target: { host: "a.example", port: 443 }, user: "u", password: "p@" },
  ],
  ["socks5://[2001:db8::1]:80", { scheme: "socks5", target: { host: "[2001:db8::1]", port: 80 } }],
  ["socks5h://a.example", { scheme: "socks5", target: { host: "a.example", port: 1080 } }],
])("reads %s", (address, read) => {
  expect(parseUpstream(address)).toMatchObject(read);
});

it.each(["ftp://a.example", "http://", "file:///etc/passwd", "socks5://a b"])("takes %s for no proxy", (address) => {
  expect(parseUpstream(address)).toBeNull();
});

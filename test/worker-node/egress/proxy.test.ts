import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EgressAttempt, type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { type Answer, connectVia, fakeLookup, type Origin, startEcho, startOrigin, viaProxy } from "./harness.ts";

const BIG = Buffer.alloc(3_000_000, "x");
let origin: Origin;
let echo: Origin;
let proxy: EgressProxy;
let attempt: EgressAttempt;
let lookup: ReturnType<typeof fakeLookup>;

beforeEach(async () => {
  origin = await startOrigin((request, response) => {
    if (request.url === "/big") response.end(BIG);
    else if (request.url === "/cut") {
      response.writeHead(200, { "content-length": 1_000 });
      response.write("short", () => response.destroy());
    } else if (request.url === "/claims") {
      response.writeHead(403, {
        "x-trawl-egress": "private",
        "set-cookie": ["a=1", "b=2"],
        connection: "x-hop",
        "x-hop": "1",
      });
      response.end();
    } else if (request.url === "/redirect") {
      response.writeHead(302, { location: "http://169.254.169.254/" }).end();
    } else if (request.url !== "/silent") {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, url, headers } = request;
        response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
      });
    }
  });
  echo = await startEcho();
  lookup = fakeLookup({ "media.example": ["127.0.0.1"], "meta.example": ["169.254.169.254"] });
  proxy = await startEgressProxy({ allowPrivate: true, lookup, ownPorts: new Set([1]) });
  attempt = proxy.openAttempt("job.1.1");
});
afterEach(async () => {
  await proxy.close();
  await origin.close();
  await echo.close();
});

const get = (target: string, options = {}): Promise<Answer> => viaProxy(attempt.proxyUrl, target, options);

describe("a plain request through the egress proxy", () => {
  it("arrives as it was sent, without what concerns the proxy alone", async () => {
    const target = `http://media.example:${origin.port}/a/../b%2f?q=1&x=%20`;
    const headers = {
      host: "lie.example",
      "x-own": "1",
      "proxy-connection": "keep-alive",
      connection: "close, x-drop",
      "x-drop": "1",
    };
    const answer = await get(target, { method: "POST", body: "hello", headers });
    expect(answer.status).toBe(200);
    const seen = JSON.parse(answer.body);
    expect(seen).toMatchObject({ method: "POST", url: "/a/../b%2f?q=1&x=%20", body: "hello" });
    expect(seen.headers).toMatchObject({ host: `media.example:${origin.port}`, "x-own": "1" });
    expect(Object.keys(seen.headers)).not.toEqual(expect.arrayContaining(["proxy-authorization"]));
    expect(seen.headers["x-drop"]).toBeUndefined();
    expect(seen.headers["proxy-connection"]).toBeUndefined();
  });

  it("streams large answers", async () => {
    expect((await get(`${origin.url}/big`)).body.length).toBe(BIG.length);
  });

  it("shows a cut answer as cut", async () => {
    const answer = await get(`${origin.url}/cut`);
    expect(answer).toMatchObject({ status: 200, body: "short", complete: false });
  });

  it("cannot be told by an origin that the guard refused", async () => {
    const answer = await get(`${origin.url}/claims`);
    expect(answer.status).toBe(403);
    expect(answer.headers["x-trawl-egress"]).toBeUndefined();
    expect(answer.headers["x-hop"]).toBeUndefined();
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(attempt.refusals()).toEqual([]);
  });

  it("to a refused address gets 403 in words that a machine can read", async () => {
    for (const host of ["169.254.169.254", "meta.example", "0xa9fea9fe"]) {
      const answer = await get(`http://${host}/latest/meta-data/`);
      expect(answer.status).toBe(403);
      expect(answer.reason).toBe("Blocked by egress guard: private address");
      expect(answer.headers["x-trawl-egress"]).toBe("private");
      expect(JSON.parse(answer.body)).toEqual({ error: "private" });
    }
    expect(attempt.refusals()).toHaveLength(3);
    expect(attempt.refusals()[1]).toEqual({ host: "meta.example", reason: "private" });
  });

  it("hands redirects to the client, whose next request is checked again", async () => {
    const answer = await get(`${origin.url}/redirect`);
    expect(answer.status).toBe(302);
    expect((await get(answer.headers.location ?? "")).status).toBe(403);
  });

  it("does not reach our own ports, the proxy's among them", async () => {
    for (const port of [proxy.port, 1]) {
      const answer = await get(`http://127.0.0.1:${port}/`);
      expect(answer).toMatchObject({ status: 403, headers: { "x-trawl-egress": "own-port" } });
    }
  });

  it("gets 502 where there is nobody", async () => {
    expect(await get("http://nowhere.example/")).toMatchObject({
      status: 502,
      headers: { "x-trawl-egress": "unresolvable" },
    });
    const { port } = echo;
    await echo.close();
    expect(await get(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 502,
      headers: { "x-trawl-egress": "unreachable" },
    });
    echo = await startEcho();
  });

  it("must be in absolute form and plain HTTP", async () => {
    for (const target of [
      "/",
      "https://media.example/",
      "ftp://media.example/",
      "http:///x",
      "http://a:99999/",
      "http://[::1/",
    ]) {
      expect((await get(target)).status, target).toBe(400);
    }
  });

  it("keeps its connection to the origin for the next one", async () => {
    await get(`http://media.example:${origin.port}/a`);
    await get(`http://media.example:${origin.port}/b`);
    expect(lookup.calls).toHaveLength(1);
  });
});

describe("a tunnel through the egress proxy", () => {
  it("moves bytes both ways and ends with its client", async () => {
    const { status, socket } = await connectVia(attempt.proxyUrl, `media.example:${echo.port}`);
    expect(status).toBe(200);
    let back = 0;
    socket.on("data", (chunk: Buffer) => {
      back += chunk.length;
    });
    socket.end(BIG);
    await once(socket, "end");
    expect(back).toBe(BIG.length);
  });

  it("to a refused address gets 403 and the reason", async () => {
    for (const authority of ["169.254.169.254:443", "[::ffff:a9fe:a9fe]:443", "meta.example:443"]) {
      const { status, reason, headers, socket } = await connectVia(attempt.proxyUrl, authority);
      expect(status).toBe(403);
      expect(reason).toContain("private address");
      expect(headers["x-trawl-egress"]).toBe("private");
      socket.destroy();
    }
    const own = await connectVia(attempt.proxyUrl, `127.0.0.1:${proxy.port}`);
    expect(own.headers["x-trawl-egress"]).toBe("own-port");
    own.socket.destroy();
  });

  it("gets 400 for nonsense and 502 where there is nobody", async () => {
    for (const [authority, status] of [
      ["a b:1", 400],
      ["x:0", 400],
      ["nowhere.example:443", 502],
    ] as const) {
      const answer = await connectVia(attempt.proxyUrl, authority.replace(" ", "%20"));
      expect(answer.status, authority).toBe(status);
      answer.socket.destroy();
    }
  });
});

describe("an attempt of the egress proxy", () => {
  it("is told by its password", async () => {
    const url = new URL(attempt.proxyUrl);
    const wrong = [
      `http://127.0.0.1:${proxy.port}`,
      `http://${url.username}:x@127.0.0.1:${proxy.port}`,
      `http://x:${url.password}@127.0.0.1:${proxy.port}`,
    ];
    for (const proxyUrl of wrong) {
      const plain = await viaProxy(proxyUrl, `${origin.url}/`);
      expect(plain.status).toBe(407);
      expect(plain.headers["proxy-authenticate"]).toMatch(/^Basic/);
      const { status, socket } = await connectVia(proxyUrl, `127.0.0.1:${echo.port}`);
      expect(status).toBe(407);
      socket.destroy();
    }
  });

  it("takes its connections with it, and no other's", async () => {
    const other = proxy.openAttempt("job.2.1");
    const mine = await connectVia(attempt.proxyUrl, `127.0.0.1:${echo.port}`);
    const theirs = await connectVia(other.proxyUrl, `127.0.0.1:${echo.port}`);
    const silent = get(`${origin.url}/silent`).then(
      () => "answered",
      () => "cut",
    );
    const gone = once(mine.socket, "close");
    // The silent request has reached the proxy once a later one on the same loop was answered.
    await get(`${origin.url}/`);
    attempt.close();
    await gone;
    expect(await silent).toBe("cut");
    theirs.socket.write("still here");
    expect(String(await once(theirs.socket, "data"))).toBe("still here");
    theirs.socket.destroy();
    expect((await get(`${origin.url}/`)).status).toBe(407);
  });

  it("counts its bytes, those of open connections too", async () => {
    const tunnelled = await connectVia(attempt.proxyUrl, `127.0.0.1:${echo.port}`);
    tunnelled.socket.write("0123456789");
    await once(tunnelled.socket, "data");
    expect(attempt.bytes()).toEqual({ received: 10, sent: 10 });
    tunnelled.socket.destroy();
    await get(`${origin.url}/big`);
    expect(attempt.bytes().received).toBeGreaterThan(BIG.length);
    expect(proxy.openAttempt("x").bytes()).toEqual({ received: 0, sent: 0 });
  });
});

import { createServer } from "node:https";
import { Readable } from "node:stream";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type GuardedFetch, guardedFetch } from "../../../worker-node/egress/fetch.ts";
import { guardedOutbound, type Outbound } from "../../../worker-node/egress/outbound.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "./certificate.ts";
import { fakeLookup, listen, type Origin, startOrigin } from "./harness.ts";

/** Of a length that nobody tells. */
const LONG = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 31 + (at >> 9)) & 255));

let origin: Origin;
let guarded: GuardedFetch;
let outbound: Outbound;
const lookup = fakeLookup({
  "media.example": ["127.0.0.1"],
  "other.example": ["127.0.0.1"],
  "wrong.example": ["127.0.0.1"],
});

beforeEach(async () => {
  origin = await startOrigin((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    const to = url.searchParams.get("to");
    if (to !== null) response.writeHead(Number(url.searchParams.get("status") ?? 302), { location: to }).end();
    else if (url.pathname === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else if (url.pathname === "/gzip") {
      response.writeHead(200, {
        "content-encoding": "gzip",
        "content-type": "text/plain",
        "x-trawl-egress": "private",
      });
      response.end(gzipSync("zipped"));
    } else if (url.pathname === "/broken") {
      const length = url.searchParams.get("length");
      response.writeHead(200, length === null ? {} : { "content-length": length });
      response.write("some", () => response.destroy());
    } else if (url.pathname === "/long") Readable.from([LONG.subarray(0, 1_000), LONG.subarray(1_000)]).pipe(response);
    else if (url.pathname === "/dripping") response.writeHead(200, { "content-length": "9" }).write("some");
    else {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => response.end(JSON.stringify({ method: request.method, headers: request.headers, body })));
    }
  });
  guarded = guardedFetch({ allowPrivate: true, lookup });
  outbound = guardedOutbound({ allowPrivate: true, lookup });
});
afterEach(async () => {
  await guarded.close();
  await outbound.close();
  await origin.close();
});

const redirectTo = (to: string, status = 302) => `${origin.url}/?status=${status}&to=${encodeURIComponent(to)}`;

describe("a guarded fetch", () => {
  it("refuses literals and names alike", async () => {
    const strict = guardedFetch({ lookup });
    for (const url of [origin.url, "http://[::1]/", "http://media.example/", "http://localhost/"]) {
      await expect(strict.fetch(url)).rejects.toMatchObject({ name: "EgressError", reason: "private", refused: true });
    }
    await expect(strict.fetch("file:///etc/passwd")).rejects.toMatchObject({ reason: "invalid" });
    await strict.close();
  });

  it("checks each redirect", async () => {
    await expect(guarded.fetch(redirectTo("http://169.254.169.254/latest"))).rejects.toMatchObject({
      reason: "private",
    });
    await expect(guarded.fetch(redirectTo("file:///etc/passwd"))).rejects.toMatchObject({ reason: "invalid" });
    expect((await guarded.fetch(redirectTo(`${origin.url}/end`))).status).toBe(200);
  });

  it("follows a bounded number of redirects, or none", async () => {
    await expect(guarded.fetch(`${origin.url}/loop`)).rejects.toMatchObject({ reason: "limit" });
    const first = await guarded.fetch(`${origin.url}/loop`, { maxRedirects: 0 });
    expect(first.status).toBe(302);
    await first.body?.cancel();
  });

  it("keeps method and body by the rules, and credentials from other origins", async () => {
    const init = { method: "POST", body: "b", headers: { authorization: "secret", "x-own": "1" } };
    const seen = async (url: string) => (await (await guarded.fetch(url, init)).json()) as Record<string, never>;
    expect(await seen(redirectTo("/end", 302))).toMatchObject({
      method: "GET",
      body: "",
      headers: { authorization: "secret" },
    });
    expect(await seen(redirectTo("/end", 307))).toMatchObject({ method: "POST", body: "b" });
    const elsewhere = await seen(redirectTo(`http://media.example:${origin.port}/`, 307));
    expect(elsewhere).toMatchObject({ method: "POST", body: "b", headers: { "x-own": "1" } });
    expect(elsewhere).not.toHaveProperty("headers.authorization");
  });

  it("says when nobody is there", async () => {
    await expect(guarded.fetch("http://nowhere.example/")).rejects.toMatchObject({
      reason: "unresolvable",
      refused: false,
    });
  });
});

describe("a guarded fetch over TLS", () => {
  const before = getCACertificates("default");
  const server = createServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, (_request, response) =>
    response.end("secure"),
  );
  let port = 0;
  beforeAll(async () => {
    port = await listen(server);
  });
  beforeEach(() => setDefaultCACertificates([...before, TEST_CERTIFICATE]));
  afterEach(() => setDefaultCACertificates(before));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("checks the certificate against the name, not the address", async () => {
    expect(await (await guarded.fetch(`https://media.example:${port}/`)).text()).toBe("secure");
    await expect(guarded.fetch(`https://wrong.example:${port}/`)).rejects.toMatchObject({ reason: "unreachable" });
  });
});

describe("what the Worker asks of the internet", () => {
  it("goes out and comes back as it is, redirects and all", async () => {
    const request = new Request(`http://media.example:${origin.port}/hook`, {
      method: "POST",
      body: "payload",
      headers: { "x-own": "1" },
    });
    const response = await outbound.answer(request);
    expect(await response.json()).toMatchObject({ method: "POST", body: "payload", headers: { "x-own": "1" } });
    const redirect = await outbound.answer(new Request(redirectTo("http://169.254.169.254/")));
    expect(redirect.status).toBe(302);
    expect(redirect.headers.get("location")).toBe("http://169.254.169.254/");
  });

  it("gets 403 from the guard, marked as the guard's own", async () => {
    for (const url of ["http://169.254.169.254/", "http://[::ffff:a9fe:a9fe]/"]) {
      const response = await outbound.answer(new Request(url));
      expect(response.status).toBe(403);
      expect(response.headers.get("x-trawl-egress")).toBe("private");
      expect(await response.json()).toEqual({ error: "private" });
    }
    expect((await outbound.answer(new Request("http://nowhere.example/"))).status).toBe(502);
  });

  it("comes back as plain bytes even from a server that encodes unasked, and without forged marks", async () => {
    const response = await outbound.answer(new Request(`${origin.url}/gzip`));
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(response.headers.get("x-trawl-egress")).toBeNull();
    expect(await response.text()).toBe("zipped");
  });

  it.each(["/broken?length=9", "/broken", "/broken?length=99000000"])(
    "keeps its status when its body breaks off, which then breaks off here (%s)",
    async (path) => {
      const answer = await outbound.answer(new Request(origin.url + path));
      expect(answer.status).toBe(200);
      await expect(answer.text()).rejects.toThrow();
    },
  );

  it("goes on at once though its body is not there yet, and says how long that will be", async () => {
    const answer = await outbound.answer(new Request(`${origin.url}/dripping`));
    expect(answer.headers.get("content-length")).toBe("9");
    const reader = answer.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("some");
    await reader?.cancel();
  });

  it("that is long goes on as it comes, whole", async () => {
    const answer = await outbound.answer(new Request(`${origin.url}/long`));
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(LONG)).toBe(true);
  });

  it("has no body in answer to HEAD", async () => {
    const response = await outbound.answer(new Request(origin.url, { method: "HEAD" }));
    expect(response.status).toBe(200);
    expect(response.body).toBeNull();
  });
});

/** Every spelling of an address inside, tried by every way out that the product has. */
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guardedFetch } from "../../../worker-node/egress/fetch.ts";
import { guardedOutbound } from "../../../worker-node/egress/outbound.ts";
import { EGRESS_HEADER, type EgressOptions } from "../../../worker-node/egress/policy.ts";
import { type EgressAttempt, type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { CookieJar } from "../../../worker-node/fetch/cookies.ts";
import { fetchFile } from "../../../worker-node/fetch/fetch-file.ts";
import { testDir } from "../../leaks.ts";
import { connectVia, fakeLookup, type Origin, startOrigin, viaProxy } from "./harness.ts";

/** Hosts as they may stand in a URL; each is, or leads to, somewhere inside. */
const HOSTS = [
  // Loopback, in every base and length.
  ...[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
  ],
  ...["0", "0.0.0.0", "127.255.255.254", "localhost", "LOCALHOST.", "a.localhost", "ip6-localhost"],
  // Private, link-local, carrier, reserved.
  ...[
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.8",
  ],
  ...["224.0.0.1", "240.0.0.1", "255.255.255.255"],
  // Metadata services.
  ...["169.254.169.254", "0xa9fea9fe", "2852039166", "169.254.170.2", "100.100.100.200", "168.63.129.16"],
  ...["[fd00:ec2::254]", "[fd20:ce::254]", "metadata.google.internal", "metadata", "instance-data"],
  // IPv6, and IPv4 inside it: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
  ...["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]"],
  ...["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]"],
  ...[
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
  ],
  ...["[2001:db8::5efe:10.0.0.1]", "[2001:db8::1]", "[100::1]"],
  // Digits that are not ASCII, and dots that are none.
  ...["１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "127．0．0．1"],
  // Names.
  ...[
    "private.example",
    "mixed.example",
    "mapped.example",
    "metadata.example",
    "printer.local",
    "db.internal",
    "router",
    "nas.lan",
  ],
];
const NAMES = {
  "private.example": ["10.1.2.3"],
  "mixed.example": ["93.184.216.34", "127.0.0.1"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "metadata.example": ["169.254.169.254"],
};

let inside: Origin;
let heard = 0;
let proxy: EgressProxy;
let attempt: EgressAttempt;
let options: EgressOptions;
let path: string;
beforeEach(async () => {
  heard = 0;
  inside = await startOrigin((_request, response) => {
    heard++;
    response.end("inside");
  });
  options = { lookup: fakeLookup(NAMES) };
  proxy = await startEgressProxy(options);
  attempt = proxy.openAttempt("forms");
  path = join(await testDir("forms"), "file");
});
afterEach(async () => {
  await proxy.close();
  await inside.close();
});

const url = (host: string) => `http://${host}:${inside.port}/`;

/** Each way: true when it was refused. What got through would have been heard by the neighbour, or hang. */
const WAYS: Record<string, (host: string) => Promise<boolean>> = {
  async "a plain request through the proxy"(host) {
    // A tool has made ASCII of the name before it asks.
    const target = URL.canParse(url(host)) ? new URL(url(host)).href : url(host);
    const { status, headers } = await viaProxy(attempt.proxyUrl, target);
    return (status === 403 || status === 400) && headers[EGRESS_HEADER] !== undefined;
  },
  async "a tunnel through the proxy"(host) {
    const name = new URL(url(host)).hostname;
    const { status, socket } = await connectVia(attempt.proxyUrl, `${name}:${inside.port}`);
    socket.destroy();
    return status === 403 || status === 400;
  },
  async "our own requests"(host) {
    const guarded = guardedFetch(options);
    const refused = await guarded.fetch(url(host)).then(
      () => false,
      (error: { refused?: boolean }) => error.refused === true,
    );
    await guarded.close();
    return refused;
  },
  async "our own downloads"(host) {
    const { signal } = new AbortController();
    const wanted = { headers: {}, cookies: new CookieJar(), path, maxBytes: null, maxRangeBytes: null, signal };
    return fetchFile(attempt.direct, { url: url(host), ...wanted, onProgress: () => {} }).then(
      () => false,
      (error: { reason?: string }) => error.reason === "refused",
    );
  },
  async "the embedded Worker's own requests"(host) {
    const outbound = guardedOutbound(options);
    const response = await outbound.answer(new Request(url(host)));
    await outbound.close();
    return response.status === 403 && response.headers.has(EGRESS_HEADER);
  },
};

describe.each(Object.entries(WAYS))("%s", (_way, isRefused) => {
  it("gets to no host inside, however it is spelled", async () => {
    const through: string[] = [];
    for (const host of HOSTS) if (!(await isRefused(host))) through.push(host);
    expect(through).toEqual([]);
    expect(heard).toBe(0);
  });
});

describe("a name whose answer changes", () => {
  it("is dialled at the address that was checked, and looked up no second time", async () => {
    const answers = [["127.0.0.1"], ["169.254.169.254"], ["169.254.169.254"]];
    let asked = 0;
    const lookup = async () => (answers[asked++] ?? []).map((address) => ({ address, family: 4 as const }));
    const turning = await startEgressProxy({ allowPrivate: true, lookup });
    const { proxyUrl, refusals } = turning.openAttempt("turning");
    expect((await viaProxy(proxyUrl, url("turning.example"))).body).toBe("inside");
    expect(asked).toBe(1);
    expect(heard).toBe(1);
    // The next connection is another look, and it is judged by what that says.
    const tunnel = await connectVia(proxyUrl, `turning.example:${inside.port}`);
    expect(tunnel.status).toBe(403);
    tunnel.socket.destroy();
    expect(refusals()).toEqual([{ host: "turning.example", reason: "private" }]);
    await turning.close();
  });
});

describe("user information", () => {
  it.each([
    "http://example.com@127.0.0.1",
    "http://127.0.0.1#@example.com",
    "http://127.0.0.1\\@example.com",
    "http://a:b@[::1]",
  ])("does not hide the host of %s", async (start) => {
    const guarded = guardedFetch(options);
    const at = start.replace(/(127\.0\.0\.1|\[::1\])/, `$1:${inside.port}`);
    await expect(guarded.fetch(at)).rejects.toMatchObject({ refused: true });
    await guarded.close();
    expect(heard).toBe(0);
  });
});

describe("the proxy itself", () => {
  it("is nobody's without a password, on loopback only", async () => {
    const bare = `http://127.0.0.1:${proxy.port}`;
    expect((await viaProxy(bare, "http://example.com/")).status).toBe(407);
    const outside = connect({ host: "::1", port: proxy.port });
    const refused = new Promise<boolean>((resolve) => {
      outside.once("error", () => resolve(true));
      outside.once("connect", () => resolve(false));
    });
    expect(await refused).toBe(true);
    outside.destroy();
  });
});

/** Who may listen at `GET /events/ws` (jobs API 7): keys, walls, and how many may stand at the door. */
import { env, exports } from "cloudflare:workers";
import { expect, it, onTestFinished, vi } from "vitest";
import type { Env } from "../../../edge/env.ts";
import { clientAddress } from "../../../edge/routes/origin.ts";
import { admin, type Json, newAccount, newKey, ORIGIN, refusal } from "../support.ts";

/** For what happens beside an answer. */
const SLOW_MACHINE_MS = 15_000;

async function knock(headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(new Request(`${ORIGIN}/events/ws`, { headers: { upgrade: "websocket", ...headers } }));
}

function socketOf(response: Response): WebSocket {
  const { webSocket } = response;
  if (webSocket === null) throw new Error(`no socket: ${response.status}`);
  webSocket.accept();
  return webSocket;
}

async function refused(response: Response): Promise<Json> {
  return refusal({ status: response.status, headers: response.headers, body: (await response.json()) as Json });
}

function closing(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.addEventListener("close", (event) => resolve(event.code)));
}

it("`At most 50 unauthenticated WebSockets per address`: the next is 429 until one signs in or goes", async () => {
  const sockets: WebSocket[] = [];
  // What a client says of its own address does not let it in.
  for (let n = 0; n < 50; n++) sockets.push(socketOf(await knock({ "cf-connecting-ip": `203.0.113.${n}` })));
  const next = await knock();
  expect(next.headers.get("retry-after")).toBe("10");
  expect(await refused(next)).toEqual({ status: 429, error: "Too many requests" });
  const { key } = await newAccount();
  socketOf(await knock({ "x-api-key": key })).close();
  const [first, second, third, ...others] = sockets;
  const gone = [first, second].map((socket) => (socket === undefined ? null : closing(socket)));
  first?.send("hello");
  second?.close();
  third?.send(JSON.stringify({ type: "auth", api_key: key }));
  third?.send("ping");
  expect(await gone[0]).toBe(4401);
  await gone[1];
  // Pings are answered while the key is looked up, too.
  const heard = new Promise((resolve) => third?.addEventListener("message", (message) => resolve(message.data)));
  expect(await heard).toBe("pong");
  await vi.waitFor(async () => {
    const room = await knock();
    expect(room.status).toBe(101);
    others.push(socketOf(room));
  }, SLOW_MACHINE_MS);
  while (others.length < 50) others.push(socketOf(await knock()));
  expect((await knock()).status).toBe(429);
  const closed = others.map(closing);
  for (const socket of [...others, third]) socket?.close();
  await Promise.all(closed);
});

it.each<[what: string, more: Partial<Env>, address: string]>([
  ["behind a trusted proxy it is what the proxy saw, the last of its list", { TRAWL_TRUST_PROXY: "1" }, "192.0.2.9"],
  ["on the platform it is its header", { STORE: undefined as never }, "198.51.100.7"],
  ["in the embedded stack nobody's word counts", {}, ""],
])("the address of a client: %s", (_, more, address) => {
  const headers = { "cf-connecting-ip": "198.51.100.7", "x-forwarded-for": "203.0.113.250, 192.0.2.9" };
  expect(clientAddress(new Request(ORIGIN, { headers }), { ...env, ...more })).toBe(address);
});

it("a revoked key is 401, one without the scope 403, an empty bucket 429, before any socket opens", async () => {
  const account = await newAccount();
  const gone = await newKey(account.id);
  expect((await knock({ "x-api-key": gone.key })).status).toBe(101);
  await admin("DELETE", `/admin/keys/${gone.id}`);
  expect(await refused(await knock({ "x-api-key": gone.key }))).toEqual({
    status: 401,
    error: "Invalid API Key",
  });
  const narrow = await newKey(account.id, { scopes: ["usage:read"] });
  expect(await refused(await knock({ "x-api-key": narrow.key }))).toEqual({
    status: 403,
    error: "This key lacks the scope 'jobs:read'",
  });
  const slow = await newKey(account.id, { limits: { rate_per_second: 1 } });
  const answers = [];
  for (let n = 0; n < 3; n++) answers.push(await knock({ "x-api-key": slow.key }));
  expect(answers.map((each) => each.status)).toEqual([101, 101, 429]);
});

it.each(["revoked", "without the scope", "never made"])(
  "a key that is %s and comes as a message: 4401",
  async (what) => {
    const account = await newAccount();
    const { id, key } = await newKey(account.id, what === "without the scope" ? { scopes: ["usage:read"] } : {});
    if (what === "revoked") await admin("DELETE", `/admin/keys/${id}`);
    const socket = socketOf(await knock());
    const closed = closing(socket);
    socket.send(JSON.stringify({ type: "auth", api_key: what === "never made" ? "sk_nobody_has_this_key" : key }));
    expect(await closed).toBe(4401);
  },
);

it("a socket that was signed in ends when its key is revoked", async () => {
  const account = await newAccount();
  const { id, key } = await newKey(account.id);
  const socket = socketOf(await knock({ "x-api-key": key }));
  const closed = closing(socket);
  await admin("DELETE", `/admin/keys/${id}`);
  expect(await closed).toBe(1001);
});

it("a socket that was signed in ends when its key expires", async () => {
  const account = await newAccount();
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now });
  onTestFinished(() => void vi.useRealTimers());
  const { key } = await newKey(account.id, { expires_at: now + 50 });
  const closed = closing(socketOf(await knock({ "x-api-key": key })));
  vi.setSystemTime(now + 50);
  expect(await closed).toBe(1001);
  expect((await knock({ "x-api-key": key })).status).toBe(401);
});

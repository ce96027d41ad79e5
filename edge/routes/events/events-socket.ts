import { AppError } from "../../app-error.ts";
import { authenticate, type Caller, presentedKey } from "../../auth/authenticate.ts";
import { lastEventId } from "../../events/sse.ts";
import { refused } from "../../openapi/describe.ts";
import { RESUME_HEADER, RESUME_QUERY } from "../../openapi/queries.ts";
import { admit } from "../admit.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AppContext } from "../http.ts";
import { clientAddress } from "../origin.ts";
import { openAccountEvents } from "./account-events.ts";

const AUTH_WITHIN_MS = 10_000;
/** Close code of a socket that did not say in time, or not truly, who it is. */
const UNAUTHENTICATED_CODE = 4401;
const MAX_UNAUTHENTICATED_PER_ADDRESS = 50;
/** A client's messages are `ping` and one sign-in. */
const MAX_MESSAGE_LENGTH = 4_096;

const unauthenticated = new Map<string, number>();

/** `GET /events/ws` (jobs API 7): the account's events as JSON objects, one per text message. */
export const eventsSocket: Endpoint = {
  operationId: "events-socket",
  method: "GET",
  path: "/events/ws",
  summary: "Follow the account over a WebSocket",
  // A key may come as the first message.
  scope: null,
  describe: {
    tag: "Events",
    details:
      "The events of `GET /events` as JSON, one per text message; `ping` is answered `pong`. The key comes as a header, or " +
      'within 10 s as `{"type":"auth","api_key":"<key>"}`; without it the socket closes with 4401.',
    query: RESUME_QUERY,
    headers: RESUME_HEADER,
    answers: [
      { status: 101, description: "The socket is open." },
      refused(400, "No upgrade.", "This path wants a WebSocket upgrade"),
      refused(401, "A key was sent, and is unknown or revoked.", "Invalid API Key"),
      refused(403, "The key lacks the scope of the route.", "This key lacks the scope 'jobs:read'"),
      refused(429, "Too many sockets of this address have not signed in.", "Too many requests"),
    ],
  },
  async handler(context) {
    if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
      throw new AppError("invalid", "This path wants a WebSocket upgrade");
    }
    const since = lastEventId(context.req.header("last-event-id"), context.req.query("last_event_id"));
    const { headers } = context.req.raw;
    const caller = presentedKey(headers) === null ? null : await signIn(context, headers);
    const address = clientAddress(context.req.raw, context.env);
    if (caller === null && (unauthenticated.get(address) ?? 0) >= MAX_UNAUTHENTICATED_PER_ADDRESS) {
      throw new AppError("rate_limited", "Too many requests", { headers: { "Retry-After": "10" } });
    }
    const pair = new WebSocketPair();
    const socket = pair[1];
    socket.accept();
    if (caller !== null) await serve(context, socket, caller, since);
    else awaitSignIn(context, socket, address, since);
    return new Response(null, { status: 101, webSocket: pair[0] });
  },
};

async function signIn(context: AppContext, headers: Headers): Promise<Caller> {
  const caller = await authenticate(context.env.DB, headers, "jobs:read", Date.now());
  await admit(context, caller);
  return caller;
}

async function serve(context: AppContext, socket: WebSocket, caller: Caller, since: number | null): Promise<void> {
  const live = await openAccountEvents(context, caller, since);
  socket.addEventListener("message", (message) => {
    if (message.data === "ping") socket.send("pong");
  });
  socket.addEventListener("close", () => live.close());
  live.start({
    send: (events) => {
      try {
        for (const { data } of events) socket.send(data);
      } catch {
        live.close();
      }
    },
    end: () => socket.close(1001, "the stream has ended"),
  });
}

function awaitSignIn(context: AppContext, socket: WebSocket, address: string, since: number | null): void {
  unauthenticated.set(address, (unauthenticated.get(address) ?? 0) + 1);
  let counted = true;
  const leave = () => {
    clearTimeout(timer);
    if (!counted) return;
    counted = false;
    const left = (unauthenticated.get(address) ?? 1) - 1;
    if (left > 0) unauthenticated.set(address, left);
    else unauthenticated.delete(address);
  };
  const refuse = () => {
    leave();
    socket.close(UNAUTHENTICATED_CODE, 'send {"type":"auth","api_key":…} first');
  };
  const timer = setTimeout(refuse, AUTH_WITHIN_MS);
  socket.addEventListener("close", leave);
  let tried = false;
  let served = false;
  socket.addEventListener("message", (message) => {
    if (served) return;
    // Until somebody else answers: while the key is being looked up, too.
    if (message.data === "ping") socket.send("pong");
    if (tried || message.data === "ping") return;
    tried = true;
    const key = keyOf(message.data);
    if (key === null) {
      refuse();
      return;
    }
    signIn(context, new Headers({ "x-api-key": key }))
      .then((caller) => {
        leave();
        return serve(context, socket, caller, since);
      })
      .then(() => {
        served = true;
      })
      .catch(refuse);
  });
}

function keyOf(data: unknown): string | null {
  if (typeof data !== "string" || data.length > MAX_MESSAGE_LENGTH) return null;
  try {
    const message = JSON.parse(data) as { type?: unknown; api_key?: unknown } | null;
    const key = message?.type === "auth" ? message.api_key : null;
    // A header value, so nothing that could not be one.
    return typeof key === "string" && /^[\x21-\x7e]+$/.test(key) ? key : null;
  } catch {
    return null;
  }
}

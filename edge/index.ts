/** The Worker: routes requests, exports the Durable Objects. It holds no state. */
import { Hono } from "hono";
import { FLEET_BASE } from "../shared/contract/fleet.ts";
import { AppError } from "./app-error.ts";
import type { Scope } from "./auth/api-keys.ts";
import { authenticate, type Caller } from "./auth/authenticate.ts";
import type { Env } from "./env.ts";
import { makeLog } from "./log.ts";
import { admit } from "./routes/admit.ts";
import { answerHeaders } from "./routes/answer-headers.ts";
import { downloadsErrorResponse, isDownloadsPath } from "./routes/downloads/downloads-error.ts";
import { signInDownloads } from "./routes/downloads/sign-in.ts";
import { registerEndpoints } from "./routes/endpoint.ts";
import { ENDPOINTS } from "./routes/endpoints.ts";
import { toAppError } from "./routes/failure.ts";
import { fleetErrorResponse } from "./routes/fleet/fleet-call.ts";
import { type AppContext, type AppTypes, errorResponse } from "./routes/http.ts";
import { libraryApp, redirectToBase } from "./routes/library/app.ts";
import { LIBRARY_ENDPOINTS } from "./routes/library/endpoints.ts";
import { libraryPath } from "./routes/library/surface.ts";
import { settingFaults } from "./settings.ts";
import { proxyPartPut } from "./storage/disk-proxy.ts";
import { relayPart } from "./storage/relay.ts";
import { sweep } from "./sweep/sweep.ts";

export { Courier } from "./courier/courier.ts";
export { EventStream } from "./events/event-stream.ts";
export { Partition } from "./partition/partition.ts";

const CORS = Object.entries({
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
  "Access-Control-Allow-Headers": "x-api-key, authorization, content-type, x-idempotency-key, last-event-id",
  "Access-Control-Expose-Headers": "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, X-Total-Count, Link",
  "Access-Control-Max-Age": "86400",
});

const app = new Hono<AppTypes>();

/** Told in this isolate. */
const toldOfSettings = new Set<string>();
/** Looked at before: a Worker has the same settings for all of its requests. */
const knownSettings = new WeakSet<Env>();

/** The defaults are in force where a setting is bad: whoever set it must hear of that, and once. */
function tellOfSettings(env: Env): void {
  if (knownSettings.has(env)) return;
  knownSettings.add(env);
  const problems = settingFaults({ ...env })
    .map(({ says }) => says)
    .join("; ");
  if (problems === "" || toldOfSettings.has(problems)) return;
  toldOfSettings.add(problems);
  makeLog(env)("error", "settings.refused", { problems });
}

app.use(answerHeaders(() => CORS));
// A preflight names a method and brings no key.
app.options("*", () => new Response(null, { status: 204 }));

const library = libraryApp(LIBRARY_ENDPOINTS);
const others = ENDPOINTS.filter((endpoint) => !LIBRARY_ENDPOINTS.includes(endpoint));
registerEndpoints(app, others, {
  async before(context, endpoint) {
    if (endpoint.scope === null) return;
    const caller = await signIn(context, endpoint.scope);
    context.set("caller", caller);
    await admit(context, caller);
  },
});

/** Each surface takes credentials from its own places. */
async function signIn(context: AppContext, scope: Scope): Promise<Caller> {
  const { raw, path } = context.req;
  if (isDownloadsPath(path)) return signInDownloads(context, scope);
  return authenticate(context.env.DB, raw.headers, scope, Date.now());
}

// Parts of nodes on other hosts; the disk service checks their signature. And those of stores that nodes cannot write to.
app.put("/_store/*", (context) => {
  const relayed = relayPart(context.req.raw, context.env);
  if (relayed !== null) return relayed;
  const store = context.env.STORE;
  const answer =
    store === undefined ? null : proxyPartPut(context.req.raw, { fetch: (url, init) => store.fetch(url, init) });
  return answer ?? context.notFound();
});

app.notFound((context) => respond(context.req.path, new AppError("not_found", "Not found")));

app.onError((error, context) => respond(context.req.path, toAppError(error, context)));

/** Each surface has its own error body. */
function respond(path: string, error: AppError): Response {
  if (path.startsWith(FLEET_BASE)) return fleetErrorResponse(error);
  return isDownloadsPath(path) ? downloadsErrorResponse(error) : errorResponse(error);
}

export default {
  fetch(request, env, context) {
    tellOfSettings(env);
    if (libraryPath(request, env) !== null) return library.fetch(request, env, context);
    return redirectToBase(request, env) ?? app.fetch(request, env, context);
  },
  async scheduled(_controller, env, context) {
    context.waitUntil(sweep(env));
  },
} satisfies ExportedHandler<Env>;

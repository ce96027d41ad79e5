/** The Worker: routes requests, exports the Durable Objects. It holds no state. */
import { Hono } from "hono";
import { FLEET_BASE } from "../shared/contract/fleet.ts";
import { AppError } from "./app-error.ts";
import type { Scope } from "./auth/api-keys.ts";
import { authenticate, type Caller } from "./auth/authenticate.ts";
import type { Env } from "./env.ts";
import { errorText, makeLog, traceField } from "./log.ts";
import { admit } from "./routes/admit.ts";
import { downloadsErrorResponse, isDownloadsPath } from "./routes/downloads/downloads-error.ts";
import { signInDownloads } from "./routes/downloads/sign-in.ts";
import { registerEndpoints } from "./routes/endpoint.ts";
import { ENDPOINTS } from "./routes/endpoints.ts";
import { fleetErrorResponse } from "./routes/fleet/fleet-call.ts";
import { type AppContext, type AppTypes, errorResponse } from "./routes/http.ts";
import { isLibraryPath, libraryErrorResponse, unknownPath } from "./routes/library/library-error.ts";
import { signInLibrary } from "./routes/library/sign-in.ts";
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

app.use(async (context, next) => {
  context.set("requestId", crypto.randomUUID());
  tellOfSettings(context.env);
  // A preflight names a method and brings no key.
  if (context.req.method === "OPTIONS") context.res = new Response(null, { status: 204 });
  else await next();
  if (context.res.status === 101) return;
  const { headers } = changeable(context);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  for (const [name, value] of CORS) headers.set(name, value);
  for (const [name, value] of Object.entries(context.var.rateHeaders ?? {})) headers.set(name, value);
});

/** Told in this isolate. */
const toldOfSettings = new Set<string>();

/** The defaults are in force where a setting is bad: whoever set it must hear of that, and once. */
function tellOfSettings(env: Env): void {
  const problems = settingFaults({ ...env })
    .map(({ says }) => says)
    .join("; ");
  if (problems === "" || toldOfSettings.has(problems)) return;
  toldOfSettings.add(problems);
  makeLog(env)("error", "settings.refused", { problems });
}

/** The answer with the request's id on it: it may be of another service, whose headers are fixed. */
function changeable(context: AppContext): Response {
  const { res, var: vars } = context;
  try {
    res.headers.set("X-Request-Id", vars.requestId);
    return res;
  } catch {
    const copy = new Response(res.body, res);
    copy.headers.set("X-Request-Id", vars.requestId);
    // Hono would copy the headers of the answer in whose place it comes.
    context.res = undefined;
    context.res = copy;
    return copy;
  }
}

registerEndpoints(app, ENDPOINTS, async (context, endpoint) => {
  if (endpoint.scope === null) return;
  const caller = await signIn(context, endpoint.scope);
  context.set("caller", caller);
  if (endpoint.unmetered !== true) await admit(context, caller);
});

/** Each surface takes credentials from its own places. */
async function signIn(context: AppContext, scope: Scope): Promise<Caller> {
  const { raw, path } = context.req;
  if (isDownloadsPath(path)) return signInDownloads(context, scope);
  if (isLibraryPath(path)) return signInLibrary(context, scope);
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

app.notFound(async (context) => {
  if (!isLibraryPath(context.req.path)) return respond(context.req.path, new AppError("not_found", "Not found"));
  // There, nobody learns which paths exist without a credential.
  await signInLibrary(context, "jobs:read");
  return unknownPath();
});

app.onError((error, context) => {
  if (error instanceof AppError) return respond(context.req.path, error);
  const fields = { request: context.var.requestId, ...traceField(context.req.header("traceparent")) };
  makeLog(context.env)("error", "request.failed", { ...fields, error: errorText(error) });
  return respond(context.req.path, new AppError("internal", "Internal server error"));
});

/** Each surface has its own error body. */
function respond(path: string, error: AppError): Response {
  if (path.startsWith(FLEET_BASE)) return fleetErrorResponse(error);
  if (isDownloadsPath(path)) return downloadsErrorResponse(error);
  return isLibraryPath(path) ? libraryErrorResponse(error) : errorResponse(error);
}

export default {
  fetch: app.fetch,
  async scheduled(_controller, env, context) {
    context.waitUntil(sweep(env));
  },
} satisfies ExportedHandler<Env>;

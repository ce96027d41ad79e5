/** The library API as an application of its own: beside the others it differs in everything but the shape of its endpoints. */
import { Hono } from "hono";
import { AppError } from "../../app-error.ts";
import type { Scope } from "../../auth/api-keys.ts";
import type { Caller } from "../../auth/authenticate.ts";
import { admit } from "../admit.ts";
import { answerHeaders } from "../answer-headers.ts";
import { type Endpoint, registerEndpoints } from "../endpoint.ts";
import { toAppError } from "../failure.ts";
import type { AppContext, AppTypes } from "../http.ts";
import { libraryErrorResponse, unknownPath } from "./library-error.ts";
import { rememberBrowser, signInLibrary } from "./sign-in.ts";
import { basePath, libraryPath } from "./surface.ts";

const CORS = Object.entries({
  "Access-Control-Allow-Methods": "GET, PATCH, PUT, POST, DELETE",
  "Access-Control-Allow-Headers": "Content-Type, Authorization",
  "Access-Control-Allow-Credentials": "true",
  "Access-Control-Max-Age": "900",
});

/**
 * The application that answers requests for which `libraryPath` has a path. Credentials are checked before path and method
 * (1.2): without one nobody learns which paths there are, but for the preflights of browsers, which bring none.
 */
export function libraryApp(endpoints: readonly Endpoint[]): Hono<AppTypes> {
  const app = new Hono<AppTypes>({
    getPath: (request, options) => libraryPath(request, options?.env ?? {}) ?? "",
  });
  app.use(answerHeaders(corsOf, finish));
  for (const path of new Set(endpoints.map((endpoint) => endpoint.path))) {
    app.options(path, () => new Response(null, { status: 204 }));
  }
  registerEndpoints(app, endpoints, {
    async before(context, { scope, unmetered }) {
      const caller = await signInLibrary(context);
      context.set("caller", caller);
      // Before the scope is asked: a credential that is void has none.
      await admit(context, caller, { metered: unmetered !== true });
      if (scope !== null) requireScope(caller, scope);
    },
    async beforeRefusal(context) {
      await signInLibrary(context);
    },
  });
  app.notFound(async (context) => {
    await signInLibrary(context);
    return unknownPath();
  });
  app.onError((error, context) => libraryErrorResponse(toAppError(error, context)));
  return app;
}

/** `/` leads to where this surface is, if that is elsewhere (1.1). */
export function redirectToBase(request: Request, env: AppContext["env"]): Response | null {
  const base = basePath(env);
  if (base === "/" || new URL(request.url).pathname !== "/") return null;
  return new Response(null, { status: 302, headers: { Location: base } });
}

function corsOf(context: AppContext): (readonly [string, string])[] {
  const origin = context.req.header("origin") ?? "*";
  return [...CORS, ["Access-Control-Allow-Origin", origin], ["Vary", varyOf(context.res.headers)]];
}

/** A cache must not give one page what was said to another. */
function varyOf(headers: Headers): string {
  const before = headers.get("Vary");
  return before === null ? "Origin" : `${before}, Origin`;
}

/** Names the encoding of JSON (1.1), and gives a browser that has signed in its session (1.2). */
async function finish(context: AppContext): Promise<void> {
  const { headers } = context.res;
  const type = headers.get("Content-Type");
  if (type === "application/json") headers.set("Content-Type", "application/json; charset=utf-8");
  if (type !== null && !type.startsWith("text/html")) return;
  await rememberBrowser(context, (name, value) => headers.append(name, value));
}

function requireScope({ scopes }: Caller, scope: Scope): void {
  if (!scopes.includes(scope)) throw new AppError("forbidden", `This credential lacks the scope '${scope}'.`);
}

/** What every answer bears, whatever surface it is of. */
import type { MiddlewareHandler } from "hono";
import type { AppContext, AppTypes } from "./http.ts";

/**
 * Gives the request its id, and the answer that id, the surface's CORS headers and those of the rate bucket.
 *
 * @param cors of the surface.
 * @param more what else the answer needs; its headers can be set by then.
 */
export function answerHeaders(
  cors: (context: AppContext) => Iterable<readonly [string, string]>,
  more: (context: AppContext) => Promise<void> = async () => {},
): MiddlewareHandler<AppTypes> {
  return async (context, next) => {
    context.set("requestId", crypto.randomUUID());
    await next();
    if (context.res.status === 101) return;
    const { headers } = changeable(context);
    if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
    for (const [name, value] of cors(context)) headers.set(name, value);
    for (const [name, value] of Object.entries(context.var.rateHeaders ?? {})) headers.set(name, value);
    await more(context);
  };
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

/** One endpoint: where it is, who may call it, what it says of itself, and its handler. */
import type { Hono } from "hono";
import { AppError } from "../app-error.ts";
import type { Scope } from "../auth/api-keys.ts";
import type { EndpointDoc } from "../openapi/describe.ts";
import type { AppContext, AppTypes } from "./http.ts";

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface Endpoint {
  /** The file's name too. */
  operationId: string;
  method: Method;
  /** Hono's notation: `/jobs/:id`. */
  path: string;
  summary: string;
  /** Null: no API key is asked for. */
  scope: Scope | null;
  /** It does not count against the rate bucket: files, pictures (library API 1.1). */
  unmetered?: true;
  /** Absent: not part of the jobs API, and not in its document. */
  describe?: EndpointDoc;
  handler(context: AppContext): Promise<Response>;
}

export interface Guards {
  /** Runs ahead of a handler, with the endpoint that it guards (key, scope, rate). */
  before(context: AppContext, endpoint: Endpoint): Promise<void>;
  /** Runs ahead of the answer to a wrong method. Defaults to nothing. */
  beforeRefusal?(context: AppContext): Promise<void>;
}

/**
 * Registers endpoints, and for each of their paths the answer to every other method: 405 with `Allow`. Plain paths come
 * before patterns, so that `GET /jobs/bulk` is a wrong method and no job called `bulk`, and those before what takes any path.
 */
export function registerEndpoints(app: Hono<AppTypes>, endpoints: readonly Endpoint[], guards: Guards): void {
  const breadth = ([path]: [string, Endpoint[]]) => (path.includes("*") ? 2 : Number(path.includes(":")));
  const paths = [...Map.groupBy(endpoints, (endpoint) => endpoint.path)];
  for (const [path, group] of paths.toSorted((a, b) => breadth(a) - breadth(b))) {
    for (const endpoint of group) {
      app.on(endpoint.method, path, async (context) => {
        await guards.before(context, endpoint);
        return endpoint.handler(context);
      });
    }
    const methods = group.map((endpoint) => endpoint.method);
    const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
    app.all(path, async (context) => {
      await guards.beforeRefusal?.(context);
      throw new AppError("method_not_allowed", "Method not allowed", { headers: { Allow: allow } });
    });
  }
}

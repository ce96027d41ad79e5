import { changeFeature, createFeature, expectRow, readNew, removeFeature } from "../../../library/features/change.ts";
import type { FeatureKind, Named } from "../../../library/features/kind.ts";
import { getFeature, listPage } from "../../../library/features/read.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { depsOf, idOf, pageOf, sentObject } from "./feature-call.ts";

interface Own {
  /** Where the kind is: `/api/presets`. */
  path: string;
  /** Of the operations: `preset`. */
  name: string;
  /** What it has otherwise than the others. */
  list?: (context: AppContext) => Promise<Response>;
  create?: (context: AppContext) => Promise<Response>;
  createdStatus?: 200 | 201;
}

/** The six routes of a kind of feature (library API 7.1). */
export function featureEndpoints<Body extends Named>(kind: FeatureKind<Body>, own: Own): Endpoint[] {
  const { path, name } = own;
  const one = `${path}/:id{[0-9]+}`;
  const change = (method: "PATCH" | "PUT"): Endpoint => ({
    operationId: `${method === "PATCH" ? "patch" : "put"}-${name}`,
    method,
    path: one,
    summary: `Change a ${kind.what}`,
    scope: "jobs:write",
    async handler(context) {
      const [deps, id] = [depsOf(context), idOf(context)];
      // Before the body: what is not there cannot be changed whatever is sent.
      await expectRow(deps, kind, id);
      return context.json(await changeFeature(deps, kind, id, await sentObject(context, kind), method));
    },
  });
  return [
    {
      operationId: `list-${name}s`,
      method: "GET",
      path,
      summary: `A page of the account's ${kind.what}s`,
      scope: "jobs:read",
      handler: own.list ?? ((context) => answerPage(context, kind)),
    },
    {
      operationId: `create-${name}`,
      method: "POST",
      path,
      summary: `Make a ${kind.what}`,
      scope: "jobs:write",
      handler:
        own.create ??
        (async (context) => {
          const deps = depsOf(context);
          const body = await readNew(deps, kind, await sentObject(context, kind));
          return context.json(await createFeature(deps, kind, body), own.createdStatus ?? 200);
        }),
    },
    {
      operationId: `get-${name}`,
      method: "GET",
      path: one,
      summary: `One ${kind.what}`,
      scope: "jobs:read",
      async handler(context) {
        return context.json(await getFeature(depsOf(context), kind, idOf(context)));
      },
    },
    change("PATCH"),
    change("PUT"),
    {
      operationId: `delete-${name}`,
      method: "DELETE",
      path: one,
      summary: `Remove a ${kind.what}`,
      scope: "jobs:write",
      async handler(context) {
        return context.json(await removeFeature(depsOf(context), kind, idOf(context)));
      },
    },
  ];
}

export async function answerPage<Body extends Named>(context: AppContext, kind: FeatureKind<Body>): Promise<Response> {
  const deps = depsOf(context);
  const include = context.req.query("include") ?? null;
  return context.json(await listPage(deps, kind, await pageOf(context, deps), include));
}

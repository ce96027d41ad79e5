import { AppError } from "../../../app-error.ts";
import type { Endpoint } from "../../endpoint.ts";
import { isObject, readLibraryJson } from "../library-body.ts";
import { createItems } from "./create-items.ts";
import { untilLooked } from "./until-looked.ts";

/** `POST /api/history` (library API 4.1): one submission or several; with `?sync` it waits for what the look-ups say. */
export const postHistory: Endpoint = {
  operationId: "post-history",
  method: "POST",
  path: "/api/history",
  summary: "Submit items",
  scope: "jobs:write",
  async handler(context) {
    const body = await readLibraryJson(context);
    if (!Array.isArray(body) && !isObject(body)) {
      throw new AppError("invalid", "Invalid request body expecting list or dict.");
    }
    const raws: unknown[] = Array.isArray(body) ? body : [body];
    if (raws.length === 0) return context.json([]);
    const created = await createItems(context, raws);
    if (context.req.query("sync") !== "true") {
      return context.json(created.map(({ id, item }) => ({ item, status: "queued", msg: null, _id: id })));
    }
    const outcomes = await Promise.all(created.map(({ id }) => untilLooked(context, id)));
    return context.json(created.map(({ item }, index) => ({ item, ...outcomes[index] })));
  },
};

import { AppError } from "../../../app-error.ts";
import type { Endpoint } from "../../endpoint.ts";
import { findItem } from "./read-items.ts";

/** `GET /api/history/{id}` (library API 4.7). */
export const getItem: Endpoint = {
  operationId: "get-item",
  method: "GET",
  path: "/api/history/:id",
  summary: "One item",
  scope: "jobs:read",
  async handler(context) {
    const found = await findItem(context, context.req.param("id") ?? "");
    if (found === null) throw new AppError("not_found", "item not found.");
    return context.json({ ...found.view, ffprobe: {} });
  },
};

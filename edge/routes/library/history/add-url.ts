import { AppError } from "../../../app-error.ts";
import type { Endpoint } from "../../endpoint.ts";
import { createItems } from "./create-items.ts";
import { untilLooked } from "./until-looked.ts";

/** `GET /api/history/add` (library API 4.2): for bookmarks and shortcuts, which can send no body. */
export const addUrl: Endpoint = {
  operationId: "add-url",
  method: "GET",
  path: "/api/history/add",
  summary: "Submit one URL",
  // As every GET (1.2), though it adds.
  scope: "jobs:read",
  async handler(context) {
    const { url, preset } = context.req.query();
    if (url === undefined || url.trim() === "") throw new AppError("invalid", "url param is required.");
    const [created] = await createItems(context, [{ url, preset }]).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== "invalid") throw error;
      return [error];
    });
    if (created === undefined) throw new Error("an item was created and is not there");
    if (created instanceof AppError) return context.json({ status: false, message: created.message }, 400);
    const { status, msg } = await untilLooked(context, created.id);
    return context.json({ status, message: msg ?? "URL added" });
  },
};

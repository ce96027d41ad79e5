import { AppError } from "../../../app-error.ts";
import { findRows } from "../../../db/tree.ts";
import { findZipToken } from "../../../db/zip-tokens.ts";
import { openTree } from "../../../library/tree/open-tree.ts";
import { zipOf } from "../../../library/tree/zip.ts";
import type { Endpoint } from "../../endpoint.ts";

/** `GET /api/file/download/{token}`: the ZIP, streamed (library API 9.6). */
export const fetchZip: Endpoint = {
  operationId: "fetch-zip",
  method: "GET",
  path: "/api/file/download/:token",
  summary: "Fetch some files as one ZIP",
  scope: "jobs:read",
  unmetered: true,
  async handler(context) {
    const token = (context.req.param("token") ?? "").toLowerCase();
    const tree = openTree(context.env, context.var.caller.account);
    const paths = await findZipToken(tree.db, tree.account, token, Date.now());
    if (paths === null) throw new AppError("invalid", "Invalid or expired download token.");
    const headers = {
      "Content-Type": "application/zip",
      "Content-Disposition": `attachment; filename="${token}.zip"`,
      "X-Content-Type-Options": "nosniff",
    };
    if (context.req.method === "HEAD") return new Response(null, { headers });
    const rows = await findRows(tree.db, tree.account, paths);
    const files = new Map(rows.filter((row) => row.kind === "file").map((row) => [row.path, row]));
    // In the order in which they were asked for; what went since is left out.
    const ordered = paths.flatMap((path) => files.get(path) ?? []);
    return new Response(zipOf(tree, ordered), { headers });
  },
};

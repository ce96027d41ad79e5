import { AppError } from "../../../app-error.ts";
import { readSettings } from "../../../db/settings.ts";
import { countFolder, listFolder, type TreeRow, type TreeSort } from "../../../db/tree.ts";
import { freshFolder } from "../../../library/tree/compare.ts";
import { contentTypeOf, mimeOf } from "../../../library/tree/file-types.ts";
import { openTree } from "../../../library/tree/open-tree.ts";
import type { Endpoint } from "../../endpoint.ts";
import { paginate, readPage } from "../pages.ts";
import { askedPath } from "./asked-path.ts";

const SORTS: Readonly<Record<string, TreeSort>> = { name: "name", size: "size", date: "date", type: "type" };

/** `GET /api/file/browser/{path}` (library API 9.4), whatever `browser_control_enabled` says. */
export const browseFiles: Endpoint = {
  operationId: "browse-files",
  method: "GET",
  path: "/api/file/browser/*",
  summary: "What is in a folder",
  scope: "jobs:read",
  unmetered: true,
  async handler(context) {
    const { account } = context.var.caller;
    const { db, ...tree } = openTree(context.env, account);
    const { default_pagination } = await readSettings(db, account.id);
    const asked = readPage(context, default_pagination);
    const { text, path } = askedPath(context, "/api/file/browser/");
    const folder = path === null ? null : await freshFolder({ db, ...tree }, path);
    if (path === null || folder === null || (folder !== "root" && folder.hidden === 1)) {
      throw new AppError("not_found", `path '${text}' does not exist.`);
    }
    if (folder !== "root" && folder.kind !== "dir") {
      throw new AppError("invalid", `path '${text}' is not a directory.`);
    }
    const query = { account: account.id, folder: path, search: context.req.query("search") ?? "" };
    const { pagination, offset } = paginate(asked, await countFolder(db, query));
    const rows = await listFolder(db, {
      ...query,
      sort: SORTS[context.req.query("sort_by") ?? "name"] ?? "name",
      descending: context.req.query("sort_order")?.toLowerCase() === "desc",
      limit: pagination.per_page,
      offset,
    });
    return context.json({ path: path === "" ? "/" : path, contents: rows.map(entryView), pagination });
  },
};

function entryView(row: TreeRow) {
  const isFile = row.kind === "file";
  return {
    type: row.kind,
    content_type: isFile ? contentTypeOf(row.name) : "dir",
    name: row.name,
    path: row.path,
    size: row.size,
    mime: isFile ? mimeOf(row.name, row.mime) : "directory",
    mtime: isoTime(row.mtime),
    ctime: isoTime(row.ctime),
    is_dir: !isFile,
    is_file: isFile,
    is_symlink: false,
  };
}

/** ISO 8601 in whole seconds, with `+00:00`. */
function isoTime(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "+00:00");
}

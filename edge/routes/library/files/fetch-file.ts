import { AppError } from "../../../app-error.ts";
import { findOwnFile, sameVideo } from "../../../db/tree-lookups.ts";
import { lookAt } from "../../../library/tree/compare.ts";
import { mimeOf } from "../../../library/tree/file-types.ts";
import { openTree, type Tree } from "../../../library/tree/open-tree.ts";
import { nameOf, parentOf } from "../../../library/tree/tree-path.ts";
import { MANAGED_TARGET } from "../../../partition/targets.ts";
import type { Endpoint } from "../../endpoint.ts";
import { fileUrls } from "../../files/file-urls.ts";
import { inline, type ServedFile, serveFile } from "../../files/serve-file.ts";
import { storeAway } from "../../files/store-away.ts";
import type { AppContext } from "../../http.ts";
import { accountFacts, askPartition } from "../../jobs/job-access.ts";
import { filesOrigin, requestOrigin } from "../../origin.ts";
import { libraryErrorResponse } from "../library-error.ts";
import { askedPath, baseOf } from "./asked-path.ts";

const ROUTE = "/api/download/";
/** Of which a browser makes a page that runs scripts. */
const PAGES = /^(?:text\/html|image\/svg|[a-z]+\/(?:[a-z.+-]+\+)?xml)\b/;
/** Ids of one site's videos, as the default template writes them into names. */
const VIDEO_ID = /\[[\w-]{11}\]/;

/** `GET`, `HEAD` `/api/download/{filename}`: a file by its path below the root (library API 9.7). */
export const fetchFile: Endpoint = {
  operationId: "fetch-file",
  method: "GET",
  path: "/api/download/*",
  summary: "Fetch a file by its path",
  scope: "jobs:read",
  unmetered: true,
  async handler(context) {
    const { path } = askedPath(context, ROUTE);
    try {
      if (path !== null && path !== "") return await answer(context, path);
    } catch (error) {
      // Of a task's address this is said too, when it is no task's.
      if (!(error instanceof AppError)) throw storeAway(error);
      if (error.code !== "not_found") return libraryErrorResponse(error);
    }
    return libraryErrorResponse(new AppError("not_found", "File not found"));
  },
};

async function answer(context: AppContext, path: string): Promise<Response> {
  const { account } = context.var.caller;
  const tree = openTree(context.env, account);
  const file = (await treeFile(tree, path)) ?? (await deliveredJustNow(context, tree, path));
  if (file !== null)
    return serveFile(context, file, inline(file, PAGES.test(file.content_type) ? "attachment" : "inline"));
  const url = await ownUrl(context, path);
  if (url !== null) return context.redirect(url, 302);
  const id = VIDEO_ID.exec(nameOf(path))?.[0];
  const other = id === undefined ? null : await sameVideo(tree.db, account.id, parentOf(path), id);
  if (other === null) throw new AppError("not_found", "File not found");
  const encoded = other.split("/").map(encodeURIComponent).join("/");
  return context.redirect(`${baseOf(context, ROUTE)}${ROUTE}${encoded}`, 302);
}

/** As the disk has it now. */
async function treeFile(tree: Tree, path: string): Promise<ServedFile | null> {
  const row = await lookAt(tree, path);
  if (row === null || row.kind !== "file" || row.store_key === null || row.etag === null) return null;
  return {
    account_id: tree.account,
    target_id: MANAGED_TARGET,
    path: row.path,
    store_key: row.store_key,
    etag: row.etag,
    size: row.size,
    content_type: mimeOf(row.name, row.mime),
    created_at: row.mtime,
  };
}

/** A job that ended just now reaches D1 with the drain. */
async function deliveredJustNow(context: AppContext, tree: Tree, path: string): Promise<ServedFile | null> {
  await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
  return treeFile(tree, path);
}

/** Of a file in the account's own bucket. */
async function ownUrl(context: AppContext, path: string): Promise<string | null> {
  const { env, var: vars } = context;
  const file = await findOwnFile(env.DB, vars.caller.account.id, path);
  if (file === null) return null;
  return fileUrls(env, filesOrigin(env, requestOrigin(context.req.raw, env)))(file);
}

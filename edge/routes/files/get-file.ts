import { AppError } from "../../app-error.ts";
import { signerOf } from "../../auth/signing.ts";
import { findFile, partitionOf } from "../../db/jobs.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { Endpoint } from "../endpoint.ts";
import type { AppContext } from "../http.ts";
import { partitionStub } from "../jobs/job-access.ts";
import { openFileUrl } from "./file-url.ts";
import { inline, serveFile } from "./serve-file.ts";

/** `GET`, `HEAD` of a managed file (jobs API 11.2): signed path, no key, one byte range. */
export const getFile: Endpoint = {
  operationId: "get-file",
  method: "GET",
  path: "/f/:ids/*",
  summary: "Fetch a delivered file by its signed URL",
  scope: null,
  async handler(context) {
    const link = await openFileUrl(signerOf(context.env), new URL(context.req.url), Date.now());
    const file = link === null ? null : await locate(context, link.account, link.fileId);
    if (link === null || file === null || file.deleted_at !== null || file.path !== link.key) throw badLink();
    return serveFile(context, file, inline(file));
  },
};

function badLink(): AppError {
  return new AppError("forbidden", "Link is invalid or has expired");
}

/** D1 has it, or the partition still does: a URL works from the moment that it was given out. */
async function locate(context: AppContext, account: string, fileId: string): Promise<FileRow | null> {
  const partition = await partitionOf(context.env.DB, account);
  // A deleted account voids its URLs.
  if (partition === null) return null;
  return (
    (await findFile(context.env.DB, account, fileId)) ??
    (await partitionStub(context.env, partition).readFile(account, fileId))
  );
}

import type { JobOptions } from "../../../shared/contract/options.ts";
import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import type { FileRow } from "../../partition/drain.ts";
import { MANAGED_TARGET } from "../../partition/targets.ts";
import type { Endpoint } from "../endpoint.ts";
import { fileUrls } from "../files/file-urls.ts";
import { named, serveFile } from "../files/serve-file.ts";
import type { AppContext } from "../http.ts";
import { readJobSource } from "../jobs/job-access.ts";
import type { JobSource } from "../jobs/job-view.ts";
import { fetchFile } from "../library/files/fetch-file.ts";
import { filesOrigin, requestOrigin } from "../origin.ts";
import { readDownloadJob } from "./download-access.ts";
import { downloadFilename } from "./download-view.ts";

/** `GET`, `HEAD` `/api/download/{id}/file`: the media file, to be saved under the task's `filename`; 302 to own storage. */
export const getDownloadFile: Endpoint = {
  operationId: "get-download-file",
  method: "GET",
  path: "/api/download/:id/file",
  summary: "Fetch a download's file",
  scope: "jobs:read",
  async handler(context) {
    const id = (context.req.param("id") ?? "").toLowerCase();
    // Any other name is a folder's (library API 1.1).
    if (!isUuid(id) || (await readJobSource(context, id)) === null) return fetchFile.handler(context);
    const source = await readDownloadJob(context, id);
    if (source.row.state !== "completed") throw new AppError("conflict", "Download is not completed");
    const options = JSON.parse(source.row.options) as JobOptions;
    return sendFile(context, mediaFile(source), named("attachment", downloadFilename(source.row, options)));
  },
};

/** Managed files are served here; storage of the client's own serves its files itself. */
export async function sendFile(context: AppContext, file: FileRow, disposition: string): Promise<Response> {
  if (file.target_id === MANAGED_TARGET) return serveFile(context, file, disposition);
  const origin = filesOrigin(context.env, requestOrigin(context.req.raw, context.env));
  const url = await fileUrls(context.env, origin, disposition)(file);
  if (url === null) throw new AppError("not_found", "File no longer exists");
  return context.redirect(url, 302);
}

/** @throws AppError 404 when it was deleted since. */
export function mediaFile({ files }: JobSource): FileRow {
  const media = files.find((file) => file.kind === "media" && file.deleted_at === null);
  if (media === undefined) throw new AppError("not_found", "File no longer exists");
  return media;
}

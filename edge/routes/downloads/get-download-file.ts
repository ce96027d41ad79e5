import type { JobOptions } from "../../../shared/contract/options.ts";
import { AppError } from "../../app-error.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { Endpoint } from "../endpoint.ts";
import { named, serveFile } from "../files/serve-file.ts";
import type { JobSource } from "../jobs/job-view.ts";
import { downloadIdOf, readDownloadJob } from "./download-access.ts";
import { downloadFilename } from "./download-view.ts";

/** `GET`, `HEAD` `/api/download/{id}/file`: the media file, to be saved under the task's `filename`. */
export const getDownloadFile: Endpoint = {
  operationId: "get-download-file",
  method: "GET",
  path: "/api/download/:id/file",
  summary: "Fetch a download's file",
  scope: "jobs:read",
  async handler(context) {
    const source = await readDownloadJob(context, downloadIdOf(context));
    if (source.row.state !== "completed") throw new AppError("conflict", "Download is not completed");
    const options = JSON.parse(source.row.options) as JobOptions;
    return serveFile(context, mediaFile(source), named("attachment", downloadFilename(source.row, options)));
  },
};

/** @throws AppError 404 when it was deleted since. */
export function mediaFile({ files }: JobSource): FileRow {
  const media = files.find((file) => file.kind === "media" && file.deleted_at === null);
  if (media === undefined) throw new AppError("not_found", "File no longer exists");
  return media;
}

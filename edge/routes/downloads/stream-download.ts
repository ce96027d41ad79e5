import type { JobOptions } from "../../../shared/contract/options.ts";
import type { Endpoint } from "../endpoint.ts";
import { named } from "../files/serve-file.ts";
import { downloadNotFound, readDownloadJob } from "./download-access.ts";
import { downloadFilename, jobOfFilename } from "./download-view.ts";
import { mediaFile, sendFile } from "./get-download-file.ts";

/** `GET`, `HEAD` `/api/stream/{filename}`: the same file to be played, by the task's `filename`. */
export const streamDownload: Endpoint = {
  operationId: "stream-download",
  method: "GET",
  path: "/api/stream/:filename",
  summary: "Play a download's file",
  scope: "jobs:read",
  async handler(context) {
    const filename = (context.req.param("filename") ?? "").normalize("NFC");
    const id = jobOfFilename(filename);
    if (id === null) throw downloadNotFound();
    const source = await readDownloadJob(context, id);
    // The whole name counts, not the id in it alone.
    const own = downloadFilename(source.row, JSON.parse(source.row.options) as JobOptions);
    if (source.row.state !== "completed" || own !== filename) throw downloadNotFound();
    return sendFile(context, mediaFile(source), named("inline", own));
  },
};

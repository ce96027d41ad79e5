import { DownloadInfoBody } from "../../../shared/contract/downloads.ts";
import { askNode } from "../calls/ask-node.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJsonObject } from "../http.ts";
import { parseFields, urlProblems } from "../jobs/job-fields.ts";

/** `POST /api/info`: what is at a URL, and in which formats. */
export const getDownloadInfo: Endpoint = {
  operationId: "get-download-info",
  method: "POST",
  path: "/api/info",
  summary: "Look at a URL and its formats",
  scope: "jobs:write",
  async handler(context) {
    const raw = await readJsonObject(context.req.raw);
    const { url } = parseFields(DownloadInfoBody, raw, ["url"], urlProblems("url", raw.url, context.env));
    const look = await askNode(context, { kind: "look", url });
    if (look.kind !== "look") throw new Error("a look was answered by something else");
    return context.json({
      title: look.title,
      duration: look.duration,
      thumbnail: look.thumbnail,
      uploader: look.uploader,
      description: look.description,
      is_playlist: look.is_list,
      playlist_count: look.entry_count,
      formats: look.formats.map((format) => ({
        format_id: format.format_id,
        ext: format.ext,
        height: format.height,
        width: format.width,
        fps: format.fps,
        filesize: format.filesize,
        vcodec: format.vcodec,
        acodec: format.acodec,
        format_note: format.format_note,
      })),
    });
  },
};

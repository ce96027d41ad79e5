import { lookAt } from "../calls/look.ts";
import type { Endpoint } from "../endpoint.ts";

/** `POST /api/info`: what is at a URL, and in which formats. */
export const getDownloadInfo: Endpoint = {
  operationId: "get-download-info",
  method: "POST",
  path: "/api/info",
  summary: "Look at a URL and its formats",
  scope: "jobs:write",
  async handler(context) {
    const look = await lookAt(context);
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

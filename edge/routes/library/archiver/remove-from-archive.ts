import { removeFromArchive } from "../../../db/archives.ts";
import type { Endpoint } from "../../endpoint.ts";
import { archiveFile } from "../ytdlp/merged-command-line.ts";
import { readChange } from "./archiver-call.ts";

/** `DELETE /api/archiver` (library API, section 6): takes ids out, also such as are not there. */
export const removeArchiveItems: Endpoint = {
  operationId: "remove-from-archive",
  method: "DELETE",
  path: "/api/archiver",
  summary: "Take ids out of an archive",
  scope: "jobs:write",
  async handler(context) {
    const { archive, items } = await readChange(context);
    await removeFromArchive(context.env.DB, archive, items);
    return context.json({ file: archiveFile(archive.name), status: true, items });
  },
};

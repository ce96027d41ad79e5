import { addToArchive } from "../../../db/archives.ts";
import type { Endpoint } from "../../endpoint.ts";
import { archiveFile } from "../ytdlp/merged-command-line.ts";
import { readChange } from "./archiver-call.ts";

/**
 * `POST /api/archiver` (library API, section 6): records ids. `skip_check` skips a look that no row needs: entries are
 * unique, so that it changes nothing here.
 */
export const addArchiveItems: Endpoint = {
  operationId: "add-to-archive",
  method: "POST",
  path: "/api/archiver",
  summary: "Record ids in an archive",
  scope: "jobs:write",
  async handler(context) {
    const { archive, items } = await readChange(context);
    const added = await addToArchive(context.env.DB, archive, items, Date.now());
    if (added === 0) return context.body(null, 304);
    return context.json({ file: archiveFile(archive.name), status: true, items });
  },
};

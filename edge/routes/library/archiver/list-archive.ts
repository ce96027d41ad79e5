import { archived, listArchive } from "../../../db/archives.ts";
import type { Endpoint } from "../../endpoint.ts";
import { archiveFile } from "../ytdlp/merged-command-line.ts";
import { archiveOfPreset, checkIds } from "./archiver-call.ts";

/** `GET /api/archiver` (library API, section 6): what is recorded, of some ids or all. */
export const listArchiveItems: Endpoint = {
  operationId: "list-archive",
  method: "GET",
  path: "/api/archiver",
  summary: "What an archive holds",
  scope: "jobs:read",
  async handler(context) {
    const archive = await archiveOfPreset(context, context.req.query("preset"));
    const asked = (context.req.query("ids") ?? "").split(",").map((id) => id.trim());
    const ids = checkIds(asked.filter((id) => id !== ""));
    const items = ids.length === 0 ? await listArchive(context.env.DB, archive) : await recorded(ids);
    return context.json({ file: archiveFile(archive.name), items, count: items.length });

    async function recorded(some: string[]): Promise<string[]> {
      const found = await archived(context.env.DB, archive, some);
      return some.filter((id) => found.has(id));
    }
  },
};

import type { ArchiveIdsResult } from "../../../../shared/contract/ytdlp-calls.ts";
import { MAX_ARCHIVE_URLS } from "../../../../shared/contract/ytdlp-calls.ts";
import { AppError } from "../../../app-error.ts";
import { urlFault } from "../../../library/urls.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { askForLibrary } from "../ask-node.ts";
import { readLibraryJson } from "../library-body.ts";

type Id = ArchiveIdsResult["ids"][number];

const NOT_A_LIST = "Invalid request. expecting list with URLs.";
const NO_ID: Id = { id: null, ie_key: null, archive_id: null };

/** `POST /api/yt-dlp/archive_id` (library API 5.6): the ids of URLs, by the patterns of yt-dlp's extractors. */
export const archiveId: Endpoint = {
  operationId: "archive-id",
  method: "POST",
  path: "/api/yt-dlp/archive_id",
  summary: "Archive ids of URLs",
  scope: "jobs:write",
  async handler(context) {
    const urls = await readLibraryJson(context, { notJson: NOT_A_LIST });
    if (!Array.isArray(urls) || urls.length === 0) throw new AppError("invalid", NOT_A_LIST);
    const asked = urls.map((url: unknown, index) => {
      const fault = typeof url === "string" ? urlFault(url, context.env) : "Invalid hostname.";
      return { index, url, fault };
    });
    const good = asked.filter(({ fault }) => fault === null).map(({ url }) => String(url));
    const ids = await idsOf(context, [...new Set(good)]);
    return context.json(
      asked.map(({ index, url, fault }) => {
        if (fault !== null) return { index, url, ...NO_ID, error: fault };
        return { index, url, ...(ids.get(String(url)) ?? NO_ID) };
      }),
    );
  },
};

/** In several calls, one after another: a thousand long URLs do not fit into one frame. */
async function idsOf(context: AppContext, urls: readonly string[]): Promise<Map<string, Id>> {
  const found = new Map<string, Id>();
  for (let at = 0; at < urls.length; at += MAX_ARCHIVE_URLS) {
    const some = urls.slice(at, at + MAX_ARCHIVE_URLS);
    const { ids } = await askForLibrary(context, { kind: "archive_ids", urls: some });
    for (const [index, url] of some.entries()) found.set(url, ids[index] ?? NO_ID);
  }
  return found;
}

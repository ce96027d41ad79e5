import { CreateDownloadBody, DEFAULT_QUALITY, resolutionOf } from "../../../shared/contract/downloads.ts";
import type { PlaylistMode } from "../../../shared/contract/options.ts";
import type { Endpoint } from "../endpoint.ts";
import { type AppContext, readJsonObject } from "../http.ts";
import { DEFAULT_PLAYLIST_LIMIT, emptyList, listKind, readList } from "../jobs/expand-list.ts";
import { parseFields, urlProblems } from "../jobs/job-fields.ts";
import { type JobTemplate, newJob, newList } from "../jobs/new-job.ts";
import { assertRoom, type Submission, submit } from "../jobs/submit.ts";
import { parsePlaylistItems } from "./playlist-items.ts";

const FIELDS = Object.keys(CreateDownloadBody.shape);
const SURFACE = "downloads";
const QUEUED = { status: "pending", message: "Download queued" } as const;

/** `POST /api/download`: one URL becomes one task, or one for each wanted entry of a list. */
export const createDownload: Endpoint = {
  operationId: "create-download",
  method: "POST",
  path: "/api/download",
  summary: "Queue a download",
  scope: "jobs:write",
  async handler(context) {
    const raw = await readJsonObject(context.req.raw);
    const body = parseFields(CreateDownloadBody, raw, FIELDS, urlProblems("url", raw.url, context.env));
    const items = parsePlaylistItems(body.playlist_items ?? "");
    const { url } = body;
    const template: JobTemplate = {
      max_resolution: resolutionOf(body.quality ?? DEFAULT_QUALITY),
      audio_only: body.download_type === "audio",
      playlist: playlistMode(body, items),
    };
    return submit(
      context,
      raw,
      async () => {
        const kind = listKind({ url, playlist: template.playlist });
        if (kind !== null) {
          await assertRoom(context);
          return expand(context, url, kind, template, items);
        }
        const place = { now: Date.now(), batch: null, surface: SURFACE };
        const job = newJob(context, template, { url, filename: null }, place);
        return { jobs: [job], batch: null, answer: { id: job.id, ...QUEUED } };
      },
      { created: 200 },
    );
  },
};

/**
 * `is_playlist` is the jobs API's `playlist`. A selection without it asks for a list too: only one that is expanded here
 * can be selected from.
 */
function playlistMode({ is_playlist }: CreateDownloadBody, items: number[] | null): PlaylistMode {
  if (is_playlist === undefined) return items === null ? "auto" : "always";
  return is_playlist ? "always" : "never";
}

/** The wanted entries in the source's order; places that the list does not have are passed over. */
async function expand(
  context: AppContext,
  url: string,
  kind: "show" | "playlist",
  template: JobTemplate,
  items: number[] | null,
): Promise<Submission> {
  const found = await readList(context, url, kind, items?.at(-1) ?? DEFAULT_PLAYLIST_LIMIT);
  const entries =
    items === null
      ? found.entries
      : items.map((item) => found.entries[item - 1]).filter((entry) => entry !== undefined);
  if (entries.length === 0) throw emptyList();
  const list = { kind, url, truncated: found.truncated, entries };
  const { batch, jobs } = newList(context, template, list, { now: Date.now(), surface: SURFACE });
  const ids = jobs.map((job) => job.id);
  return { jobs, batch, answer: { id: ids[0], ...QUEUED, ids, playlist_total: ids.length } };
}

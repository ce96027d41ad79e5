/** Lists that are known by their URL: asked of a node, then inserted as a batch (jobs API 3.3, 3.4). */
import type { ExpandResult } from "../../../shared/contract/calls.ts";
import type { CreateJobBody } from "../../../shared/contract/create-job.ts";
import { AppError } from "../../app-error.ts";
import { sealedTooLarge, secretsTooLarge } from "../../partition/sealed.ts";
import { askNode } from "../calls/ask-node.ts";
import type { AppContext } from "../http.ts";
import type { Entrusted } from "./entrusted.ts";
import { type JobTemplate, newList } from "./new-job.ts";
import type { Submission } from "./submit.ts";
import { urlKind } from "./url-kind.ts";

export const DEFAULT_PLAYLIST_LIMIT = 500;

/** How a create's URL is to be taken: a list by its form or by the client's word, or a single item until a node knows better. */
export function listKind(body: Pick<CreateJobBody, "url" | "playlist">): "show" | "playlist" | null {
  const kind = urlKind(body.url);
  if (kind === "show") return "show";
  if (body.playlist === "always") return "playlist";
  return kind === "youtube-list" && body.playlist !== "never" ? "playlist" : null;
}

/**
 * Asks a node for a list's entries, in the source's order; at most `limit` of them.
 *
 * @throws AppError as {@link askNode}
 */
export async function readList(
  context: AppContext,
  url: string,
  kind: "show" | "playlist",
  limit: number,
  cookies?: string,
): Promise<Pick<ExpandResult, "entries" | "truncated">> {
  const request = { kind: kind === "show" ? ("show" as const) : ("expand" as const), url, limit };
  const result = await askNode(context, cookies === undefined ? request : { ...request, cookies });
  const found = result.kind === "expand" ? result : { entries: [], truncated: false };
  const entries = found.entries.slice(0, limit);
  return { entries, truncated: found.truncated || entries.length < found.entries.length };
}

export function emptyList(): AppError {
  return new AppError("invalid", "Playlist has no downloadable items", { field: "url" });
}

/** What is asked of a list; its items are named by their titles. */
export interface ListRequest {
  url: string;
  template: JobTemplate;
  kind: "show" | "playlist";
  entrusted: Entrusted;
}

export async function expandList(context: AppContext, request: ListRequest): Promise<Submission> {
  const { url, template, kind, entrusted } = request;
  const limit = template.playlist_limit ?? DEFAULT_PLAYLIST_LIMIT;
  const { entries, truncated } = await readList(context, url, kind, limit, template.cookies);
  if (entries.length === 0) throw emptyList();
  if (sealedTooLarge(entrusted.sealed, entries.length)) {
    throw new AppError("invalid", secretsTooLarge(entries.length), { field: "cookies" });
  }
  const { target } = entrusted;
  const place = { now: Date.now(), surface: "jobs", entrusted };
  const { batch, jobs } = newList(context, template, { kind, url, truncated, entries }, place);
  const ids = jobs.map((job) => job.id);
  const items = jobs.map((job, index) => ({ job_id: job.id, url: job.url, title: entries[index]?.title ?? null }));
  if (kind === "playlist") {
    return {
      jobs,
      batch,
      target,
      answer: {
        batch_id: batch.id,
        total_videos: jobs.length,
        video_jobs: ids,
        paused: batch.paused,
        truncated,
        videos: items,
      },
    };
  }
  return {
    jobs,
    batch,
    target,
    answer: {
      batch_id: batch.id,
      total_episodes: jobs.length,
      paused: batch.paused,
      truncated,
      episodes: items.map((item, index) => ({
        ...item,
        description: entries[index]?.description ?? null,
        release_date: entries[index]?.release_date ?? null,
      })),
      episode_jobs: ids,
    },
  };
}

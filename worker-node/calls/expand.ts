/** `expand`: the entries of a list, unopened, from yt-dlp's flat listing. */
import type { ExpandResult } from "../../shared/contract/calls.ts";
import { MAX_DESCRIPTION_LENGTH, MAX_TITLE_LENGTH } from "../../shared/limits.ts";
import { toSourceInfo } from "../media/source.ts";
import { clip } from "../media/tolerant.ts";
import { flatEntries, isList, toEntries } from "../media/ytdlp/entries.ts";
import type { YtDlp, YtDlpContext } from "../media/ytdlp/port.ts";

/**
 * In the source's order. A single item is a list of one, under the address that was asked for.
 *
 * @throws MediaFailure
 */
export async function expand(
  request: { url: string; limit: number },
  ytdlp: YtDlp,
  context: YtDlpContext,
): Promise<ExpandResult> {
  const { url, limit } = request;
  // One more than wanted tells whether there are more.
  const raw = await ytdlp.describe({ url, prefer: "list", entries: limit + 1 }, context);
  return toExpandResult(raw, url, limit);
}

/** Reads yt-dlp's answer; total, whatever stands in it. */
export function toExpandResult(raw: Record<string, unknown>, url: string, limit: number): ExpandResult {
  const title = typeof raw.title === "string" ? clip(raw.title, MAX_TITLE_LENGTH) : null;
  if (!isList(raw)) return { kind: "expand", title, entries: [toEntry(raw, url)], truncated: false };
  const listed = flatEntries(raw.entries);
  const entries = listed.flatMap((one) => toEntries([one]).map(({ url: own }) => toEntry(one, own)));
  // Private and deleted items count as well: the source has more, even if none of it could be taken.
  return { kind: "expand", title, entries: entries.slice(0, limit), truncated: listed.length > limit };
}

function toEntry(raw: unknown, url: string): ExpandResult["entries"][number] {
  const { title, description, releaseDate } = toSourceInfo(raw);
  return {
    url,
    title: title === null ? null : clip(title, MAX_TITLE_LENGTH),
    description: description === null ? null : clip(description, MAX_DESCRIPTION_LENGTH),
    release_date: releaseDate,
    media_url: null,
    skip: null,
  };
}

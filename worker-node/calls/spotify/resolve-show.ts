/**
 * `show`: the episodes of a Spotify show with the open audio of each. yt-dlp cannot list shows, and Spotify's own audio is
 * protected: so the show's public page tells what there is, and the show's RSS feed, found through a public podcast
 * directory, has what can be downloaded. Undocumented interfaces with tokens are left alone on purpose: they break, and
 * they are not public.
 */
import type { ExpandResult } from "../../../shared/contract/calls.ts";
import { FAILURE_RULES } from "../../../shared/contract/failures.ts";
import { parseCookies } from "../../../shared/netscape-cookies.ts";
import { type GuardedFetch, guardedFetch } from "../../egress/fetch.ts";
import type { EgressOptions } from "../../egress/policy.ts";
import { cookieHeader } from "../../media/cookies.ts";
import { MediaFailure } from "../../media/failure.ts";
import { fetchText } from "./fetch-text.ts";
import { type FoundFeed, findFeed } from "./find-feed.ts";
import { descriptionText } from "./plain-text.ts";
import type { ResolvedShowServices } from "./services.ts";
import { fill, readShowPage, showIdOf } from "./show-page.ts";
import type { Episode, FeedItem, ShowPage } from "./types.ts";

const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/** What an episode's page is called for users, whichever base URL was asked. */
const EPISODE_URL = "https://open.spotify.com/episode/";

type ExpandedEntry = ExpandResult["entries"][number];

export interface ShowDeps {
  services: ResolvedShowServices;
  guard: EgressOptions;
}

/**
 * In the page's order. An episode without open audio has `skip`; one that only the feed knows, because the page lists
 * the newest alone, stands under its audio's own address.
 *
 * @throws MediaFailure
 */
export async function resolveShow(
  request: { url: string; limit: number; cookies?: string | undefined },
  { services, guard }: ShowDeps,
  signal: AbortSignal,
): Promise<ExpandResult> {
  const id = showIdOf(request.url);
  if (id === null) throw new MediaFailure("unsupported");
  const jar = request.cookies === undefined ? [] : parseCookies(request.cookies).cookies;
  const guarded = guardedFetch(guard, (url) => cookieHeader(jar, url));
  try {
    const page = await readShow(id, services.spotifyUrl, guarded, signal);
    const { title } = page;
    if (title === null) throw new MediaFailure("media", "The page of the show could not be read");
    const feed = await findFeed({ ...page, title }, services.directoryUrl, guarded, signal);
    return toResult(page, feed, request.limit);
  } finally {
    await guarded.close();
  }
}

/** The page; and the embedded player's page, which is simpler, where the first one says too little. */
async function readShow(id: string, base: string, guarded: GuardedFetch, signal: AbortSignal): Promise<ShowPage> {
  const get = async (path: string) => {
    const { status, text } = await fetchText(guarded, `${base}${path}`, { maxBytes: MAX_PAGE_BYTES, signal });
    if (status === 404 || status === 410) throw new MediaFailure("removed", "The show does not exist");
    if (status === 401 || status === 403) throw new MediaFailure("bot");
    if (status !== 200) throw new MediaFailure("network", `The page of the show answered ${status}`);
    return readShowPage(text, id);
  };
  const page = await get(`/show/${id}`);
  if (page.title !== null && page.episodes.length > 0) return page;
  try {
    return fill(page, await get(`/embed/show/${id}`));
  } catch (error) {
    if (page.title === null) throw error;
    return page;
  }
}

/** Pure: what the page and the feed say together. */
export function toResult(page: ShowPage, feed: FoundFeed | null, limit: number): ExpandResult {
  const listed = page.episodes.map((episode, at) => toEntry(episode, feed?.matches[at] ?? null));
  // A page that says how many there are, and lists them all, needs no help.
  const complete = page.total !== null && page.total <= listed.length;
  const more = complete || feed === null ? [] : unlisted(page.episodes, feed);
  // No more than can be delivered, and one that tells that there are more.
  const entries = [...listed, ...more.slice(0, limit + 1).map(toOwnEntry)];
  return {
    kind: "expand",
    title: page.title,
    entries: entries.slice(0, limit),
    truncated: entries.length > limit || (page.total ?? 0) > entries.length,
  };
}

/**
 * Items that the page has no room for. Those from the time that the page does cover are left out: there they would be
 * an episode that it lists under another title, for a second time.
 */
function unlisted(episodes: readonly Episode[], { items, matches }: FoundFeed): FeedItem[] {
  const matched = new Set(matches);
  const dates = episodes.flatMap(({ releaseDate }) => (releaseDate === null ? [] : [releaseDate])).toSorted();
  const [first, last] = [dates[0], dates.at(-1)];
  return items.filter((item) => {
    if (matched.has(item)) return false;
    if (first === undefined || last === undefined || item.releaseDate === null) return true;
    return item.releaseDate < first || item.releaseDate > last;
  });
}

function toEntry({ id, title, description, releaseDate }: Episode, item: FeedItem | null): ExpandedEntry {
  return {
    url: EPISODE_URL + id,
    title,
    description: description ?? descriptionText(item?.description ?? null),
    release_date: releaseDate ?? item?.releaseDate ?? null,
    media_url: item?.enclosure ?? null,
    skip: item === null ? FAILURE_RULES.drm.text : null,
  };
}

function toOwnEntry({ title, description, releaseDate, enclosure }: FeedItem): ExpandedEntry {
  return {
    url: enclosure,
    title,
    description: descriptionText(description),
    release_date: releaseDate,
    media_url: null,
    skip: null,
  };
}

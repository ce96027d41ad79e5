/** The open feed of a show: asked of the directory, then proved by its own episodes. */
import type { GuardedFetch } from "../../egress/fetch.ts";
import { MediaFailure } from "../../media/failure.ts";
import { parseDirectory, type RankedFeed, rankFeeds, searchUrl } from "./directory.ts";
import { parseFeed } from "./feed.ts";
import { fetchText } from "./fetch-text.ts";
import { matchEpisodes } from "./match-episodes.ts";
import type { FeedItem, ShowPage } from "./types.ts";

const MAX_SEARCH_BYTES = 4 * 1024 * 1024;
/** Two thousand episodes with long notes are 12 MB. */
const MAX_FEED_BYTES = 24 * 1024 * 1024;
/** Feeds read for one show: namesakes are common, a deadline is short. */
const MAX_FEEDS_TRIED = 3;

export interface FoundFeed {
  items: FeedItem[];
  /** For each episode of the page its item. */
  matches: (FeedItem | null)[];
}

/**
 * Null when the show has no open feed. Trouble on the way is not that: an episode must not be given up because a service
 * was down.
 *
 * @throws MediaFailure
 */
export async function findFeed(
  show: ShowPage & { title: string },
  directoryUrl: string,
  guarded: GuardedFetch,
  signal: AbortSignal,
): Promise<FoundFeed | null> {
  const ranked = await search(show, directoryUrl, guarded, signal);
  let trouble: MediaFailure | null = null;
  let best: FoundFeed | null = null;
  for (const feed of ranked.slice(0, MAX_FEEDS_TRIED)) {
    try {
      const found = await readFeed(feed, show, guarded, signal);
      if (found === null || !isProved(feed, found, show, ranked)) continue;
      if (best === null || count(found) > count(best)) best = found;
      if (feed.certain) break;
    } catch (error) {
      if (signal.aborted || !(error instanceof MediaFailure)) throw error;
      // A feed that points where it must not is no feed of anybody.
      if (error.class !== "unsupported") trouble ??= error;
    }
  }
  if (best === null && trouble !== null) throw trouble;
  return best;
}

/** By title; if that finds no certain one, with the publisher's name beside it: common titles fill the first page. */
async function search(
  show: { title: string; publisher: string | null },
  directoryUrl: string,
  guarded: GuardedFetch,
  signal: AbortSignal,
): Promise<RankedFeed[]> {
  const ask = async (term: string) => {
    const got = await fetchText(guarded, searchUrl(directoryUrl, term), { maxBytes: MAX_SEARCH_BYTES, signal });
    // Apple's answers 403 to those who ask too often.
    if (got.status !== 200) throw new MediaFailure("network", `The podcast directory answered ${got.status}`);
    return parseDirectory(got.text);
  };
  const entries = await ask(show.title);
  const ranked = rankFeeds(show, entries);
  if (show.publisher === null || ranked.some((feed) => feed.certain)) return ranked;
  return rankFeeds(show, [...(await ask(`${show.title} ${show.publisher}`)), ...entries]);
}

async function readFeed(
  feed: RankedFeed,
  show: ShowPage & { title: string },
  guarded: GuardedFetch,
  signal: AbortSignal,
): Promise<FoundFeed | null> {
  const got = await fetchText(guarded, feed.feedUrl, { maxBytes: MAX_FEED_BYTES, signal });
  if (got.status !== 200) return null;
  const items = await parseFeed(got.text);
  return items.length === 0 ? null : { items, matches: matchEpisodes(show.title, show.episodes, items) };
}

/** A namesake's feed would deliver the wrong audio, so that names alone are enough only where they agree in all. */
function isProved(feed: RankedFeed, found: FoundFeed, show: ShowPage, ranked: readonly RankedFeed[]): boolean {
  const listed = show.episodes.length;
  if (listed > 0) return feed.certain ? count(found) > 0 : count(found) >= Math.ceil(listed / 2);
  const namesakes = ranked.filter((one) => one.sameTitle).length;
  return feed.certain || (show.publisher === null && feed.sameTitle && namesakes === 1);
}

function count(found: FoundFeed): number {
  return found.matches.filter((item) => item !== null).length;
}

/** A public podcast directory (Apple's search API): which feed belongs to a show. */
import { z } from "zod";
import { MAX_URL_LENGTH } from "../../../shared/limits.ts";
import { MediaFailure } from "../../media/failure.ts";
import { anyList, clipped, httpUrl } from "../../media/tolerant.ts";
import { beginsAlike, normaliseTitle } from "./titles.ts";

/** Results asked for in one search. */
const SEARCH_LIMIT = 25;
const MAX_TERM_LENGTH = 200;
/** The parts of a name that say nothing of who it is. */
const MIN_AUTHOR_LENGTH = 3;

export interface DirectoryEntry {
  title: string;
  author: string | null;
  feedUrl: string;
}

export interface RankedFeed {
  feedUrl: string;
  /** Same title and same publisher; otherwise the feed's own episodes must speak for it. */
  certain: boolean;
  sameTitle: boolean;
}

const Answer = z.object({ results: anyList });
const Result = z.object({
  collectionName: clipped(500),
  trackName: clipped(500),
  artistName: clipped(500),
  feedUrl: z.unknown().optional(),
});

export function searchUrl(directory: string, term: string): string {
  const query = new URLSearchParams({
    media: "podcast",
    entity: "podcast",
    limit: String(SEARCH_LIMIT),
    term: term.slice(0, MAX_TERM_LENGTH),
  });
  return `${directory}/search?${query}`;
}

/** @throws MediaFailure `network` for what is no answer of a directory. */
export function parseDirectory(text: string): DirectoryEntry[] {
  const answer = Answer.safeParse(jsonOf(text));
  if (!answer.success) throw new MediaFailure("network", "The podcast directory gave no usable answer");
  return answer.data.results.flatMap((raw) => {
    const parsed = Result.safeParse(raw);
    if (!parsed.success) return [];
    const title = parsed.data.collectionName ?? parsed.data.trackName;
    const feedUrl = httpUrl(parsed.data.feedUrl, MAX_URL_LENGTH);
    return title === null || feedUrl === null ? [] : [{ title, author: parsed.data.artistName, feedUrl }];
  });
}

/** The feeds that may be the show's, best first, each once. */
export function rankFeeds(
  show: { title: string; publisher: string | null },
  entries: readonly DirectoryEntry[],
): RankedFeed[] {
  const ranked = entries.flatMap((entry) => {
    const [left, right] = [normaliseTitle(show.title), normaliseTitle(entry.title)];
    const sameTitle = left === right;
    if (!sameTitle && !beginsAlike(left, right)) return [];
    const sameAuthor = samePublisher(show.publisher, entry.author);
    const score = (sameTitle ? 2 : 0) + (sameAuthor ? 1 : 0);
    return [{ score, feed: { feedUrl: entry.feedUrl, certain: sameTitle && sameAuthor, sameTitle } }];
  });
  const best = ranked.toSorted((a, b) => b.score - a.score).map(({ feed }) => feed);
  return best.filter((feed, at) => best.findIndex((other) => other.feedUrl === feed.feedUrl) === at);
}

/** `The New York Times` and `The New York Times Company` are one. */
function samePublisher(left: string | null, right: string | null): boolean {
  if (left === null || right === null) return false;
  const [a, b] = [normaliseTitle(left), normaliseTitle(right)];
  if (a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= MIN_AUTHOR_LENGTH && ` ${long} `.includes(` ${short} `);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

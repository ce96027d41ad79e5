/** Which item of a feed is which episode of a show. Pure; a wrong pair would deliver the wrong audio, so doubt means no. */
import { DAY_MS, distance } from "./dates.ts";
import { commonWords, looseTitle, normaliseTitle } from "./titles.ts";
import type { Episode, FeedItem } from "./types.ts";

/** Two that share only the core of a title may not lie further apart than this. */
const LOOSE_DAYS_MS = 7 * DAY_MS;
/** A feed's date arrives at Spotify as it is. */
const SAME_MOMENT_MS = 60_000;
const MIN_COMMON_WORDS = 1 / 3;

type Sides = { show: string; episodes: readonly Episode[]; items: readonly FeedItem[] };

/**
 * For each episode its item, or null. In three rounds, each over what the rounds before left: the same title; the same
 * title but for numbering and the show's name; the same day, if the titles have words in common or the moment is the same.
 */
export function matchEpisodes(
  show: string,
  episodes: readonly Episode[],
  items: readonly FeedItem[],
): (FeedItem | null)[] {
  const sides = { show, episodes, items };
  const found = new Map<number, number>();
  bySameTitle(sides, found);
  byLooseTitle(sides, found);
  byDay(sides, found);
  return episodes.map((_, at) => items[found.get(at) ?? -1] ?? null);
}

/** Several items of one title (`Bonus`) go to the episodes nearest in time, which in doubt is their order. */
function bySameTitle({ episodes, items }: Sides, found: Map<number, number>): void {
  const byTitle = Map.groupBy(items.keys(), (at) => normaliseTitle(items[at]?.title ?? ""));
  for (const [at, episode] of episodes.entries()) {
    const candidates = byTitle.get(normaliseTitle(episode.title)) ?? [];
    const apart = (item: number) => distance(episode.releaseDate, items[item]?.releaseDate ?? null) ?? 0;
    const nearest = candidates.reduce<number | undefined>(
      (best, item) => (best === undefined || apart(item) < apart(best) ? item : best),
      undefined,
    );
    if (nearest === undefined) continue;
    candidates.splice(candidates.indexOf(nearest), 1);
    found.set(at, nearest);
  }
}

function byLooseTitle({ show, episodes, items }: Sides, found: Map<number, number>): void {
  const key = (title: string | undefined) => looseTitle(title ?? "", show).text;
  for (const [at, item] of lonelyPairs({ show, episodes, items }, found, (one) => key(one.title))) {
    const [left, right] = [episodes[at], items[item]];
    if (left === undefined || right === undefined) continue;
    const [a, b] = [looseTitle(left.title, show).number, looseTitle(right.title, show).number];
    const apart = distance(left.releaseDate, right.releaseDate);
    if ((a === null || b === null || a === b) && (apart === null || apart <= LOOSE_DAYS_MS)) found.set(at, item);
  }
}

function byDay(sides: Sides, found: Map<number, number>): void {
  for (const [at, item] of lonelyPairs(sides, found, (one) => one.releaseDate?.slice(0, 10) ?? null)) {
    const [left, right] = [sides.episodes[at], sides.items[item]];
    if (left === undefined || right === undefined) continue;
    const sameMoment = (distance(left.releaseDate, right.releaseDate) ?? DAY_MS) <= SAME_MOMENT_MS;
    // Midnight is no moment: it is what a mere day becomes.
    const exact = sameMoment && !left.releaseDate?.endsWith("T00:00:00Z");
    if (exact || commonWords(left.title, right.title) >= MIN_COMMON_WORDS) found.set(at, item);
  }
}

/** Pairs of an unmatched episode and an unmatched item that are each the only one with their key. */
function lonelyPairs(
  { episodes, items }: Sides,
  found: ReadonlyMap<number, number>,
  keyOf: (one: { title: string; releaseDate: string | null }) => string | null,
): [episode: number, item: number][] {
  const taken = new Set(found.values());
  const lonely = (list: readonly { title: string; releaseDate: string | null }[], used: (at: number) => boolean) => {
    const free = [...list.entries()].filter(([at]) => !used(at));
    return Map.groupBy(free, ([, one]) => keyOf(one));
  };
  const right = lonely(items, (at) => taken.has(at));
  return [...lonely(episodes, (at) => found.has(at))].flatMap(([key, [episode, ...more]]) => {
    const [item, ...others] = right.get(key) ?? [];
    const alone = more.length === 0 && others.length === 0;
    return key !== null && alone && episode !== undefined && item !== undefined
      ? [[episode[0], item[0]] as [number, number]]
      : [];
  });
}

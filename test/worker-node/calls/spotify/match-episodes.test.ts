import { expect, it } from "vitest";
import { matchEpisodes } from "../../../../worker-node/calls/spotify/match-episodes.ts";
import type { FeedItem } from "../../../../worker-node/calls/spotify/types.ts";

type Pair = [title: string, date?: string];

const iso = (date: string | undefined) => (date === undefined ? null : date.includes("T") ? date : `${date}T00:00:00Z`);
const episode = ([title, date]: Pair, at: number) => ({
  id: `e${at}`,
  title,
  description: null,
  releaseDate: iso(date),
});
const item = ([title, date]: Pair, at: number): FeedItem => ({
  title,
  description: null,
  releaseDate: iso(date),
  enclosure: `https://a.example/${at}.mp3`,
});

const NOON = "2026-01-19T12:00:00Z";

const rows: [why: string, episodes: Pair[], items: Pair[], expected: (number | null)[]][] = [
  ["the same title, in any order", [["One"], ["Two"]], [["Two"], ["One"]], [1, 0]],
  ["case, accents and punctuation do not count", [["Café – Teil 1!"]], [["CAFE, Teil 1"]], [0]],
  ["no such item", [["One"], ["Other"]], [["One"]], [0, null]],
  [
    "of one title the nearest in time",
    [
      ["Bonus", "2026-03-01"],
      ["Bonus", "2026-01-01"],
    ],
    [
      ["Bonus", "2026-01-02"],
      ["Bonus", "2026-03-02"],
    ],
    [1, 0],
  ],
  ["of one title without dates the order", [["Bonus"], ["Bonus"], ["Bonus"]], [["Bonus"], ["Bonus"]], [0, 1, null]],
  ["numbering on one side only", [["#12 - The Interview"]], [["The Interview"]], [0]],
  ["the show's name on one side only", [["The Interview"]], [["My Show: The Interview"]], [0]],
  ["numbers that contradict each other", [["#12 - The Interview"]], [["#13 - The Interview"]], [null]],
  [
    "the core of a title twice on one side",
    [["#1 Interview"]],
    [["Interview | My Show"], ["My Show: Interview"]],
    [null],
  ],
  ["the core of a title, months apart", [["Ep 5: News", "2026-01-01"]], [["News", "2026-06-01"]], [null]],
  ["the core of a title, a day apart", [["Ep 5: News", "2026-01-01"]], [["News", "2026-01-02"]], [0]],
  ["bare numbers are titles", [["Episode 1"], ["Episode 2"]], [["Episode 2"], ["Episode 3"]], [null, 0]],
  ["the same moment under another title", [["Renamed", NOON]], [["Original", NOON]], [0]],
  ["the same day and common words", [["A talk with Ann", "2026-01-19"]], [["Ann talks", NOON]], [0]],
  ["the same day and nothing else", [["Only here", "2026-01-19"]], [["Something new", NOON]], [null]],
  ["midnight is no moment", [["Only here", "2026-01-19"]], [["Something new", "2026-01-19"]], [null]],
  [
    "two on one day",
    [
      ["A talk", NOON],
      ["B talk", NOON],
    ],
    [["C talk", NOON]],
    [null, null],
  ],
  [
    "an item that is another episode's already",
    [
      ["One", NOON],
      ["Bonus one", NOON],
    ],
    [["One", NOON]],
    [0, null],
  ],
  ["nothing at all", [], [["One"]], []],
];
it.each(rows)("%s", (_why, episodes, items, expected) => {
  const feed = items.map(item);
  const found = matchEpisodes("My Show", episodes.map(episode), feed);
  expect(found.map((one) => (one === null ? null : feed.indexOf(one)))).toEqual(expected);
});

it("gives no item to two episodes, and takes five thousand of each without delay", () => {
  const many = Array.from({ length: 5_000 }, (_, at): Pair => [`Title ${at % 700}`, `20${10 + (at % 15)}-01-01`]);
  const feed = many.map(item);
  const found = matchEpisodes("My Show", many.map(episode), feed);
  expect(new Set(found).size).toBe(5_000);
});

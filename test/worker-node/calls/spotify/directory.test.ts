import { expect, it } from "vitest";
import { parseDirectory, rankFeeds, searchUrl } from "../../../../worker-node/calls/spotify/directory.ts";

const entry = (
  title: string,
  author: string | null,
  feedUrl = `https://f/${title}/${author}`.replaceAll(" ", "-"),
) => ({
  title,
  author,
  feedUrl,
});

const rows: [string, string | null, [string, string | null][], string[]][] = [
  [
    "The Daily",
    "The New York Times",
    [
      ["Daily Bread", "X"],
      ["The Daily", "X"],
      ["The Daily", "The New York Times"],
    ],
    ["The Daily/The New York Times!", "The Daily/X"],
  ],
  ["The Daily", "The New York Times Company", [["THE DAILY", "The New York Times"]], ["THE DAILY/The New York Times!"]],
  ["The Daily", null, [["The Daily", "X"]], ["The Daily/X"]],
  ["The Daily", "X", [["The Daily", null]], ["The Daily/null"]],
  [
    "The Daily",
    "X",
    [
      ["The Daily from X", "X"],
      ["The Dailyish", "X"],
    ],
    ["The Daily from X/X"],
  ],
  ["The Daily", "X", [["Not this", "X"]], []],
  ["Pod", "NY", [["Pod", "Sunny Media"]], ["Pod/Sunny Media"]],
];
it.each(rows)("for %j of %j it ranks %j", (title, publisher, entries, expected) => {
  const found = rankFeeds(
    { title, publisher },
    entries.map(([name, author]) => entry(name, author)),
  );
  const names = found.map(
    (feed) => feed.feedUrl.slice("https://f/".length).replaceAll("-", " ") + (feed.certain ? "!" : ""),
  );
  expect(names).toEqual(expected);
});

it("reads results that have a feed", () => {
  const text = JSON.stringify({
    resultCount: 4,
    results: [
      { collectionName: "One", artistName: "A", feedUrl: "https://a/feed" },
      { trackName: "Two", feedUrl: "http://b/feed" },
      { collectionName: "No feed" },
      { collectionName: "Bad feed", feedUrl: "file:///etc/passwd" },
      null,
    ],
  });
  expect(parseDirectory(text)).toEqual([
    { title: "One", author: "A", feedUrl: "https://a/feed" },
    { title: "Two", author: null, feedUrl: "http://b/feed" },
  ]);
});

it.each(["", "<html>", "[]", "null", '{"results":'])("takes %j for trouble, not for an empty answer", (text) => {
  expect(() => parseDirectory(text)).toThrow(expect.objectContaining({ class: "network" }));
});

it("asks for podcasts of a term, whatever stands in it", () => {
  const url = new URL(searchUrl("https://d.example/base", "A & B #1?"));
  expect(url.pathname).toBe("/base/search");
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ media: "podcast", term: "A & B #1?" });
});

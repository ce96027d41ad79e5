import { expect, it } from "vitest";
import { beginsAlike, commonWords, looseTitle, normaliseTitle } from "../../../../worker-node/calls/spotify/titles.ts";

it.each([
  ["  The  DAILY ", "the daily"],
  ["#12 – Café & Co.!", "12 cafe and co"],
  ["Don’t stop", "dont stop"],
  ["Don't stop", "dont stop"],
  ["Ａｂｃ １", "abc 1"],
  ["ガイド", "ガイド"],
  ["カイト", "カイト"],
  ["हिन्दी समाचार", "हिन्दी समाचार"],
  ["🎉", "🎉"],
  ["", ""],
])("normaliseTitle(%j) is %j", (title, expected) => {
  expect(normaliseTitle(title)).toBe(expected);
});

it.each([
  ["Ep. 12: Pilot", "pilot", 12],
  ["#12 - Pilot", "pilot", 12],
  ["Episode 12 – Pilot", "pilot", 12],
  ["S2 E5: Pilot", "pilot", 5],
  ["S02E05 Pilot", "pilot", 5],
  ["E5 | Pilot", "pilot", 5],
  ["Folge 7: Anfang", "anfang", 7],
  ["Pilot | My Show", "pilot", null],
  ["My Show: Pilot", "pilot", null],
  ["My Show #3: Pilot", "pilot", 3],
  ["Episode 12", "episode 12", null],
  ["12 Angry Men", "angry men", 12],
  ["1984", "1984", null],
  ["My Show", "my show", null],
  ["Ep. 3: Up", "ep 3 up", null],
])("looseTitle(%j) is %j, number %s", (title, text, number) => {
  expect(looseTitle(title, "My Show")).toEqual({ text, number });
});

it.each([
  ["the daily", "the daily from the times", true],
  ["the daily", "the dailyish", false],
  ["the", "the daily", false],
  ["the daily", "the daily", false],
])("beginsAlike(%j, %j) is %s", (left, right, expected) => {
  expect(beginsAlike(left, right)).toBe(expected);
  expect(beginsAlike(right, left)).toBe(expected);
});

it("commonWords is the share of the shorter title", () => {
  expect(commonWords("A talk with Ann", "Ann: a talk")).toBe(1);
  expect(commonWords("One two three", "three four five six")).toBeCloseTo(1 / 3);
  expect(commonWords("One", "Two")).toBe(0);
});

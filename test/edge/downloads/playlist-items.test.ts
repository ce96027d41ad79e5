/** `playlist_items` of `POST /api/download`: `"1-5,8"`. */
import { expect, it } from "vitest";
import { parsePlaylistItems } from "../../../edge/routes/downloads/playlist-items.ts";

it.each([
  ["1-5,8", [1, 2, 3, 4, 5, 8]],
  ["3", [3]],
  ["8,1-2", [1, 2, 8]],
  [" 1 - 2 , 4 ", [1, 2, 4]],
  ["1,1,1-2", [1, 2]],
  ["999-5000", [999, 1000]],
  ["5000", []],
  ["", null],
  ["  ", null],
])("%j selects %j", (text, items) => {
  expect(parsePlaylistItems(text)).toEqual(items);
});

it.each(["0", "0-3", "5-1", "a", "1,", ",", "1-", "-3", "1--2", "1.5", "1;2", "1e3", "1,".repeat(9_000)])(
  "%j is refused",
  (text) => {
    expect(() => parsePlaylistItems(text)).toThrow("playlist_items must be 1-based numbers and ranges such as 1-5,8");
  },
);

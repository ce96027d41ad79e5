import { describe, expect, it } from "vitest";
import { toSourceInfo } from "../../../worker-node/media/source.ts";
import { toEntries } from "../../../worker-node/media/ytdlp/entries.ts";
import { parseProgress } from "../../../worker-node/media/ytdlp/progress.ts";

describe("toSourceInfo", () => {
  it("reads what yt-dlp says of one item", () => {
    const info = toSourceInfo({
      id: "a1",
      extractor_key: "Youtube",
      title: "T",
      upload_date: "20261025",
      channel: "C",
      duration: 61.5,
      live_status: "was_live",
      formats: [
        { format_id: "1", vcodec: "avc1.64001f", acodec: "none", width: 640, height: 360, filesize_approx: 10.4 },
      ],
      automatic_captions: { en: [{ ext: "json3" }, { ext: "vtt", url: "u" }] },
    });
    expect(info).toMatchObject({
      extractor: "youtube",
      id: "a1",
      uploader: "C",
      releaseDate: "2026-10-25T00:00:00Z",
      live: "past",
    });
    expect(info.formats).toMatchObject([
      { id: "1", vcodec: "avc1", acodec: "none", size: { bytes: 10, exact: false } },
    ]);
    expect(info.subtitles).toEqual([{ language: "en", ext: "vtt", automatic: true }]);
  });

  it.each([
    null,
    7,
    "x",
    [],
    {},
    { id: {}, title: 5, formats: "no", subtitles: [], duration: "long", timestamp: 1e300 },
  ])("takes fields of a wrong type for absent: %j", (raw) => {
    expect(toSourceInfo(raw)).toMatchObject({
      extractor: "generic",
      title: null,
      formats: [],
      subtitles: [],
      durationSeconds: null,
      releaseDate: null,
    });
  });

  it("drops storyboards and formats without an id", () => {
    const formats = [
      { format_id: "sb", ext: "mhtml" },
      { vcodec: "h264" },
      null,
      { format_id: "n", vcodec: "none", acodec: "none" },
    ];
    expect(toSourceInfo({ formats }).formats).toEqual([]);
  });

  it.each([
    [{ timestamp: 1_792_886_400.9 }, "2026-10-25T00:00:00Z"],
    [{ timestamp: -1e12 }, null],
    [{ upload_date: "20261341" }, null],
    [{ upload_date: "20260101", release_timestamp: 1_792_886_401 }, "2026-10-25T00:00:01Z"],
  ])("reads the date of %j as %s", (raw, expected) => {
    expect(toSourceInfo(raw).releaseDate).toBe(expected);
  });

  it.each([
    [{ live_status: "is_live" }, "now"],
    [{ is_live: true }, "now"],
    [{ live_status: "is_upcoming" }, "upcoming"],
    [{}, "no"],
  ])("reads %j as live: %s", (raw, expected) => {
    expect(toSourceInfo(raw).live).toBe(expected);
  });
});

describe("toEntries", () => {
  it("takes http addresses only, without what yt-dlp hides in them", () => {
    const raw = [
      { url: "https://a/1#__youtubedl_smuggle=%7B%7D", title: "One" },
      { url: "file:///etc/passwd" },
      { url: null, webpage_url: "https://a/2", playlist_webpage_url: "https://a/list" },
      { url: "https://a/3.mp4", webpage_url: "https://a/list", playlist_webpage_url: "https://a/list" },
      { url: `https://a/${"x".repeat(5_000)}` },
      null,
    ];
    expect(toEntries(raw).map((one) => one.url)).toEqual(["https://a/1", "https://a/2", "https://a/3.mp4"]);
    expect(toEntries("no")).toEqual([]);
  });
});

describe("parseProgress", () => {
  it("prefers fragments to an estimated size", () => {
    const line = {
      downloaded_bytes: 10,
      total_bytes_estimate: 1_000.7,
      fragment_index: 1,
      fragment_count: 4,
      speed: 5.6,
      eta: null,
    };
    expect(parseProgress(JSON.stringify(line))).toEqual({
      bytes: 10,
      totalBytes: 1_001,
      speedBytesPerSecond: 6,
      etaSeconds: null,
      fraction: 0.25,
    });
  });
  it.each(["", "{", "7", "null"])("ignores %j", (text) => {
    expect(parseProgress(text)).toBeNull();
  });
});

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LookResult } from "../../../shared/contract/calls.ts";
import { look, toLookResult } from "../../../worker-node/calls/look.ts";
import { testDir } from "../../leaks.ts";
import { WATCH } from "../../origin/pages.ts";
import { type CallSite, startCallSite } from "./site.ts";

let site: CallSite;
beforeAll(async () => {
  site = await startCallSite();
});
afterAll(() => site.close());

async function lookAt(path: string): Promise<LookResult> {
  const context = { dir: await testDir("look"), proxyUrl: null, signal: new AbortController().signal };
  return LookResult.parse(await look(`${site.origin.url}/${path}`, site.ytdlp, context));
}

describe("a look", () => {
  it("tells all that a page says of its video", async () => {
    expect(await lookAt("pages/watch")).toMatchObject({
      title: WATCH.title,
      description: WATCH.description,
      duration: 8,
      width: 1280,
      height: 720,
      extractor: "Generic",
      thumbnail: `${site.origin.url}/thumbs/thumb.jpg`,
      view_count: 4321,
      like_count: null,
      uploader: null,
      upload_date: "20240115",
      is_live: false,
      is_list: false,
      entry_count: null,
    });
  });

  it("names the formats, and the size of the best picture", async () => {
    const found = await lookAt("hls/master.m3u8");
    expect(found).toMatchObject({ duration: 8, width: 1280, height: 720, is_list: false });
    expect(found.formats.map((one) => [one.format_id, one.ext, one.height, one.fps, one.vcodec, one.acodec])).toEqual([
      ["1200", "mp4", 360, 25, "avc1.4d401e", "mp4a.40.2"],
      ["2600", "mp4", 720, 25, "avc1.4d401f", "mp4a.40.2"],
    ]);
  });

  it("sees that a stream is live", async () => {
    expect(await lookAt("live/60/look/index.m3u8")).toMatchObject({ is_live: true });
  });

  it.each([
    ["feed.xml", "The Beep Hour", 3],
    ["feed.xml?items=1", "The Beep Hour", 1],
    ["pages/gallery", "Three of a kind", 3],
  ])("describes the list /%s as itself", async (path, title, count) => {
    expect(await lookAt(path)).toMatchObject({ title, is_list: true, entry_count: count, formats: [], width: null });
  });
});

describe("toLookResult", () => {
  const format = (id: string, more: object) => ({ format_id: id, ext: "mp4", vcodec: "avc1", acodec: "mp4a", ...more });

  it.each([
    [
      "a vertical video",
      [format("1", { width: 360, height: 640 }), format("2", { width: 720, height: 1280 })],
      720,
      1280,
    ],
    [
      "the larger picture, wherever it stands",
      [format("1", { width: 1280, height: 720 }), format("2", { width: 640, height: 360 })],
      1280,
      720,
    ],
    [
      "no sound",
      [format("1", { width: 640, height: 360 }), format("2", { vcodec: "none", width: null, height: null })],
      640,
      360,
    ],
    [
      "no storyboard",
      [format("1", { height: 90, width: 160 }), format("sb0", { ext: "mhtml", width: 3200, height: 1800 })],
      160,
      90,
    ],
  ])("takes width and height from %s", (_what, formats, width, height) => {
    expect(toLookResult({ formats })).toMatchObject({ width, height });
  });

  it.each([
    [[format("1", { height: 360, filesize: 100 })], 100],
    [[format("1", { height: 360, filesize_approx: 100.6 })], 101],
    [[format("a", { vcodec: "none", filesize: 7 }), format("v", { height: 720, acodec: "none", filesize: 100 })], 107],
    [[format("1", { height: 360 })], null],
  ])("expects of %j %s bytes", (formats, bytes) => {
    expect(toLookResult({ formats }).filesize_approx).toBe(bytes);
  });

  it.each([
    ["Youtube", "YouTube"],
    ["YoutubeTab", "YouTube"],
    ["Vimeo", "Vimeo"],
    [7, null],
  ])("calls the extractor %s by its site's name, %s", (key, name) => {
    expect(toLookResult({ extractor_key: key }).extractor).toBe(name);
  });

  it("does not count a list that may go on", () => {
    const entries = Array.from({ length: 100 }, () => ({}));
    expect(toLookResult({ _type: "playlist", entries }).entry_count).toBeNull();
    expect(toLookResult({ _type: "playlist", entries, playlist_count: 4_000 }).entry_count).toBe(4_000);
    const tabs = [
      { _type: "playlist", entries: [{}, {}] },
      { _type: "playlist", entries: [{}] },
    ];
    expect(toLookResult({ _type: "playlist", entries: tabs, playlist_count: 2 }).entry_count).toBe(3);
    expect(
      toLookResult({ _type: "playlist", thumbnails: [{ url: "https://a/1" }, { url: "https://a/2" }] }),
    ).toMatchObject({
      thumbnail: "https://a/2",
      entry_count: 0,
    });
  });

  const site = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: "binary", maxLength: 6_000 }), fc.double());
  const keys =
    "_type title duration extractor_key uploader thumbnail thumbnails description view_count upload_date width height filesize_approx live_status playlist_count entries formats";
  it("makes an answer that the contract takes of whatever a site says", () => {
    const formats = fc.array(
      fc.record(
        Object.fromEntries("format_id ext height fps filesize vcodec format_note".split(" ").map((key) => [key, site])),
      ),
    );
    const raw = fc.record(
      Object.fromEntries(keys.split(" ").map((key) => [key, key === "formats" ? fc.oneof(formats, site) : site])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(raw, (info) => LookResult.safeParse(toLookResult(info)).success),
      { numRuns: 300 },
    );
  });
});

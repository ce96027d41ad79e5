import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePlaylist } from "../../../../worker-node/media/live/playlist.ts";

const BASE = "https://media.example.com/live/index.m3u8?token=1";

function parse(...lines: string[]) {
  return parsePlaylist(["#EXTM3U", "#EXT-X-TARGETDURATION:4", ...lines].join("\n"), BASE);
}

function segments(...lines: string[]) {
  const parsed = parse(...lines);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.segments;
}

describe("a media playlist", () => {
  it("numbers its segments from its media sequence and resolves their addresses", () => {
    const found = segments(
      "#EXT-X-MEDIA-SEQUENCE:41",
      "#EXTINF:3.5,title, with a comma",
      "a.ts",
      "#EXTINF:4,",
      "/b.ts",
    );
    expect(found.map(({ sequence, seconds, url }) => [sequence, seconds, url])).toEqual([
      [41, 3.5, "https://media.example.com/live/a.ts"],
      [42, 4, "https://media.example.com/b.ts"],
    ]);
  });

  it("counts discontinuities from the number that it begins with", () => {
    const lines = [
      "#EXT-X-DISCONTINUITY-SEQUENCE:7",
      "#EXTINF:4,",
      "a.ts",
      "#EXT-X-DISCONTINUITY",
      "#EXTINF:4,",
      "b.ts",
    ];
    expect(segments(...lines).map((segment) => segment.discontinuity)).toEqual([7, 8]);
  });

  it("knows ranges with a start, and those that go on where the last one ended", () => {
    const lines = ["#EXT-X-BYTERANGE:100@0", "#EXTINF:4,", "all.ts", "#EXT-X-BYTERANGE:50", "#EXTINF:4,", "all.ts"];
    expect(segments(...lines).map((segment) => segment.range)).toEqual([
      { start: 0, length: 100 },
      { start: 100, length: 50 },
    ]);
  });

  it("keeps a map and a key until there is another", () => {
    const found = segments(
      '#EXT-X-MAP:URI="init.mp4",BYTERANGE="10@5"',
      '#EXT-X-KEY:METHOD=AES-128,URI="k?a=1,2",IV=0x0A',
      ...["#EXTINF:4,", "a.m4s", "#EXT-X-KEY:METHOD=NONE", "#EXTINF:4,", "b.m4s"],
    );
    expect(found.map((segment) => segment.map?.range)).toEqual([
      { start: 5, length: 10 },
      { start: 5, length: 10 },
    ]);
    expect(found.map((segment) => segment.key)).toEqual([
      { url: "https://media.example.com/live/k?a=1,2", iv: "0000000000000000000000000000000a" },
      null,
    ]);
  });

  it("says when it has ended, and which segments it lacks itself", () => {
    expect(parse("#EXTINF:4,", "a.ts")).toMatchObject({ ended: false });
    expect(parse("#EXTINF:4,", "a.ts", "#EXT-X-ENDLIST")).toMatchObject({ ended: true });
    expect(segments("#EXT-X-GAP", "#EXTINF:4,", "a.ts", "#EXTINF:4,", "b.ts").map((one) => one.missing)).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    ['#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"', "drm"],
    ['#EXT-X-KEY:METHOD=AES-128,URI="https://k/",KEYFORMAT="com.example.keys"', "drm"],
    ["#EXT-X-STREAM-INF:BANDWIDTH=1", "master"],
    ["file:///etc/passwd", "broken"],
  ])("with %s is a problem: %s", (line, problem) => {
    expect(parse(line, "#EXTINF:4,", "a.ts")).toEqual({ problem });
  });

  it("that is a page, or nothing, is broken", () => {
    expect(parsePlaylist("<html>", BASE)).toEqual({ problem: "broken" });
    expect(parsePlaylist("", BASE)).toEqual({ problem: "broken" });
  });

  it("never throws, and never leads away from http", () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "#EXTINF:",
        "#EXT-X-KEY:METHOD=AES-128",
        "#EXT-X-MAP:URI=",
        "#EXT-X-BYTERANGE:1@",
        "//",
        "data:,x",
      ),
      fc
        .tuple(fc.constantFrom("#EXTINF:", "#EXT-X-MEDIA-SEQUENCE:", "#EXT-X-BYTERANGE:"), fc.string())
        .map((two) => two.join("")),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const parsed = parsePlaylist(["#EXTM3U", ...lines].join("\n"), BASE);
        if ("problem" in parsed) return;
        for (const { url, seconds, key, map } of parsed.segments) {
          for (const each of [url, key?.url, map?.url]) expect(each ?? "http").toMatch(/^https?/);
          expect(Number.isFinite(seconds)).toBe(true);
        }
      }),
    );
  });
});

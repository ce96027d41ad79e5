import { describe, expect, it } from "vitest";
import { publicInfo } from "../../../worker-node/media/info-file.ts";

describe("the info file", () => {
  const SECRETS = /s3cr3t|\/tmp\/|googlevideo|Cookie/;
  const info = publicInfo({
    id: "v1",
    title: "A talk",
    tags: ["a", "b"],
    view_count: 7,
    webpage_url: "https://user:s3cr3t@site.example/watch?v=v1&token=s3cr3t",
    original_url: "https://site.example/watch?v=v1",
    url: "https://r1.googlevideo.com/x?sig=s3cr3t",
    http_headers: { Cookie: "sid=s3cr3t" },
    cookies: "sid=s3cr3t; Domain=.site.example",
    filename: "/tmp/work/source-0",
    _filename: "/tmp/work/source-0",
    requested_downloads: [{ filepath: "/tmp/work/source-0" }],
    __post_extractor: "s3cr3t",
    tomorrows_field: { token: "s3cr3t" },
    chapters: [{ start_time: 0, end_time: 1, title: "One", url: "https://r1.googlevideo.com" }],
    formats: [
      {
        format_id: "137",
        height: 1080,
        url: "https://r1.googlevideo.com/?sig=s3cr3t",
        http_headers: {},
        cookies: "s3cr3t",
      },
    ],
    subtitles: { en: [{ url: "https://site.example/?sig=s3cr3t" }] },
    thumbnail: "https://i.example.com/t.jpg?sig=s3cr3t",
  });

  it("has the words about the item, its chapters, formats and languages", () => {
    expect(info).toEqual({
      id: "v1",
      title: "A talk",
      tags: ["a", "b"],
      view_count: 7,
      webpage_url: "https://site.example/watch?v=v1&token=…",
      original_url: "https://site.example/watch?v=v1",
      chapters: [{ start_time: 0, end_time: 1, title: "One" }],
      formats: [{ format_id: "137", height: 1080 }],
      subtitles: ["en"],
      automatic_captions: [],
    });
  });

  it("has no secret, no signed address and no local path, in fields of tomorrow neither", () => {
    expect(JSON.stringify(info)).not.toMatch(SECRETS);
  });

  it("takes a field of a wrong type for absent", () => {
    expect(publicInfo({ id: {}, title: ["x", 1], formats: "no", chapters: [null, 7], subtitles: null })).toEqual({
      chapters: [],
      formats: [],
      subtitles: [],
      automatic_captions: [],
    });
  });
});

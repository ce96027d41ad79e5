import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFeed } from "../../../../worker-node/calls/spotify/feed.ts";

const item = (inner: string) => `<item>${inner}</item>`;
const rss = (...items: string[]) =>
  `<?xml version="1.0"?><rss version="2.0"><channel><title>Show</title>${items.join("")}</channel></rss>`;
const AUDIO = '<enclosure url="https://a.example/1.mp3?x=1&amp;y=2" length="9" type="audio/mpeg"/>';

describe("parseFeed", () => {
  it("reads title, date, description and audio", async () => {
    const xml = rss(
      item(
        `<title><![CDATA[One & <only>]]></title><pubDate>Mon, 19 Jan 2026 06:00:00 +0100</pubDate>
         <description>&lt;p&gt;Hello&lt;/p&gt;</description>${AUDIO}`,
      ),
    );
    expect(await parseFeed(xml)).toEqual([
      {
        title: "One & <only>",
        releaseDate: "2026-01-19T05:00:00Z",
        description: "<p>Hello</p>",
        enclosure: "https://a.example/1.mp3?x=1&y=2",
      },
    ]);
  });

  const titles: [string, string, string[]][] = [
    [
      "the item's own title, not its picture's",
      item(`<image><title>No</title></image><title>Yes</title>${AUDIO}`),
      ["Yes"],
    ],
    ["a title that only iTunes has", item(`<itunes:title>Tunes</itunes:title>${AUDIO}`), ["Tunes"]],
    ["the plain title first", item(`<title>Plain</title><itunes:title>Tunes</itunes:title>${AUDIO}`), ["Plain"]],
    ["no item without audio", item("<title>Words</title>"), []],
    ["no item with a picture", item('<title>P</title><enclosure url="https://a/p.png" type="image/png"/>'), []],
    ["no file of ours", item('<title>P</title><enclosure url="file:///etc/passwd" type="audio/mpeg"/>'), []],
    ["no item without a title", item(AUDIO), []],
    ["bare ampersands and HTML", item(`<title>Q & A <b>bold</b></title>${AUDIO}`), ["Q & A bold"]],
    ["what came before a cut", `${item(`<title>Whole</title>${AUDIO}`)}<item><title>Ha`, ["Whole"]],
    ["capitals", `<ITEM><TITLE>Loud</TITLE>${AUDIO}</ITEM>`, ["Loud"]],
  ];
  it.each(titles)("reads %s", async (_what, items, expected) => {
    expect((await parseFeed(rss(items))).map((one) => one.title)).toEqual(expected);
  });

  it("does not open entities of a document type", async () => {
    const bomb = `<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>`;
    const [found] = await parseFeed(bomb + rss(item(`<title>&b; &f;</title>${AUDIO}`)));
    expect(found?.title).toBe("&b; &f;");
  });

  it("reads the same whatever piece it reads at one go", async () => {
    const many = Array.from({ length: 3_000 }, (_, at) => item(`<title>Number &amp; ${at}</title>${AUDIO}`));
    const found = await parseFeed(rss(...many));
    expect(found.map((one) => one.title)).toEqual(many.map((_, at) => `Number & ${at}`));
  });

  it("never rejects", async () => {
    const parts = fc.constantFrom(
      "<item>",
      "</item>",
      "<title>",
      "</title>",
      "<![CDATA[",
      "]]>",
      AUDIO,
      "&#x110000;",
      "<!--",
      "x",
    );
    const xml = fc.array(parts, { maxLength: 30 }).map((some) => some.join(""));
    await fc.assert(fc.asyncProperty(xml, async (text) => Array.isArray(await parseFeed(text))));
  });
});

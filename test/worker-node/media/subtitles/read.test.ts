import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutCues, shiftCues, toWebVtt } from "../../../../worker-node/media/subtitles/cues.ts";
import { parseSubtitles } from "../../../../worker-node/media/subtitles/read.ts";
import { mapOffset } from "../../../../worker-node/media/subtitles/web-vtt.ts";

/** Each cue as `start-end text`, lines of a payload joined by `|`. */
function read(text: string): string[] {
  return (parseSubtitles(text)?.cues ?? []).map(
    ({ start, end, text }) => `${start}-${end} ${text.replaceAll("\n", "|")}`,
  );
}

describe("WebVTT", () => {
  it("keeps names out, settings and style blocks in, and comments away", () => {
    const found = parseSubtitles(
      "\ufeffWEBVTT - a title\r\nKind: captions\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nNOTE x\r\n\r\nname\r\n00:01.000 --> 00:02.500 align:start\r\n<v Ann>Hi &amp; bye\r\nyou\r\n",
    );
    expect(found).toEqual({
      cues: [{ start: 1, end: 2.5, text: "<v Ann>Hi &amp; bye\nyou", settings: "align:start" }],
      blocks: ["STYLE\n::cue { color: red }"],
      mediaTimeAtZero: null,
    });
  });

  it("takes the times of more than a hundred hours, and drops cues that end before they start", () => {
    expect(read("WEBVTT\n\n100:00:00.000 --> 100:00:01.000\nlate\n\n00:05.000 --> 00:04.000\nnever\n")).toEqual([
      "360000-360001 late",
    ]);
  });

  it("reads the map of an HLS segment, its parts in any order", () => {
    const mapped = (map: string) =>
      parseSubtitles(`WEBVTT\nX-TIMESTAMP-MAP=${map}\n\n00:00.000 --> 00:01.000\nx\n`)?.mediaTimeAtZero;
    expect(mapped("MPEGTS:900000,LOCAL:00:00:00.000")).toBe(10);
    expect(mapped("LOCAL:00:00:04.000,MPEGTS:900000")).toBe(6);
    expect(mapped("nonsense")).toBeNull();
  });

  it("counts from the first packet of the media, over the end of the 33-bit clock too", () => {
    expect(mapOffset(10, 10)).toBe(0);
    expect(mapOffset(1.4, 0)).toBeCloseTo(1.4);
    // The media began shortly before the clock started again, the words after it.
    expect(mapOffset(1, 2 ** 33 / 90_000 - 2)).toBeCloseTo(3);
  });
});

describe("SubRip", () => {
  it("is read with commas or points, with or without numbers, tags cleaned", () => {
    const text =
      '1\n00:00:01,5 --> 00:00:02,250\n<i>One</i> & <font color="red">two</font> {\\an8}<3\n\n2\n00:00:03.000 --> 00:00:04.000\n7\n\n00:00:05,000 --> 00:00:06,000\nlast';
    expect(read(text)).toEqual(["1.5-2.25 <i>One</i> &amp; two &lt;3", "3-4 7", "5-6 last"]);
  });
});

describe("SSA", () => {
  it("has its columns where its Format line says, and no drawings", () => {
    const text =
      "[Script Info]\n[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.50,0:00:02.00,{\\i1}a, b{\\i0}\\Nc\nDialogue: 0:00:03.00,0:00:04.00,{\\p1}m 0 0\nComment: 0:00:05.00,0:00:06.00,x\n";
    expect(read(text)).toEqual(["1.5-2 a, b|c"]);
  });
});

describe("TTML", () => {
  const document = (body: string, attributes = "") =>
    `<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" ${attributes}><body>${body}</body></tt>`;

  it("counts clock times, frames, ticks and offsets, from the begin of the parent", () => {
    const body =
      '<div begin="10s"><p begin="00:00:01:05" end="00:00:02.5">a</p><p begin="1500ms" dur="1s">b</p></div><p begin="50t" end="100t">c</p>';
    expect(read(document(body, 'ttp:frameRate="25" ttp:tickRate="10"'))).toEqual([
      "5-10 c",
      "11.2-12.5 a",
      "11.5-12.5 b",
    ]);
  });

  it("keeps line breaks, decodes entities, and escapes what WebVTT would take for mark-up", () => {
    expect(read(document('<p begin="0s" end="1s">\n  a &lt;b&gt; &amp;\n  <br/><span>f&#252;r</span></p>'))).toEqual([
      "0-1 a &lt;b&gt; &amp;|für",
    ]);
  });

  it("lets a paragraph without times last as long as its words", () => {
    const body = '<p><span begin="2s" end="3s">a</span> <span begin="3s" end="4s">b</span></p>';
    expect(read(document(body))).toEqual(["2-4 a b"]);
  });

  it("expands nothing of a hostile document", () => {
    const bomb = '<!DOCTYPE tt [<!ENTITY a "boom"><!ENTITY b SYSTEM "file:///etc/passwd">]>';
    expect(read(`<?xml version="1.0"?>${bomb}<tt><body><p begin="0s" end="1s">x&a;&b;</p></body></tt>`)[0]).not.toMatch(
      /boom|root:/,
    );
  });
});

describe("a hostile file", () => {
  const braces = "{".repeat(2_000_000);
  const TIMES = "00:00:01.000 --> 00:00:02.000";
  it.each([
    ["SSA of opening braces", `[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,${braces}`],
    ["SubRip of opening braces", `1\n${TIMES}\n${"{\\".repeat(1_000_000)}`],
    ["SubRip of opening tags", `1\n${TIMES}\n${"<a ".repeat(700_000)}`],
    ["WebVTT of one endless line", `WEBVTT\n\n${TIMES}\n${"<00:".repeat(500_000)}`],
  ])("is read in one go: %s", (_title, text) => {
    expect(parseSubtitles(text)?.cues).toHaveLength(1);
  });

  it("that is nested without end is given up", () => {
    expect(() => parseSubtitles(`<?xml version="1.0"?><tt>${"<p>".repeat(1_000_000)}`)).toThrow("too deeply");
  });
});

describe("a clip's cues", () => {
  const cues = (text: string) => parseSubtitles(`WEBVTT\n\n${text}`)?.cues ?? [];

  it("are those that are seen inside it, shortened at its ends, counted from its start", () => {
    const cut = cutCues(
      cues(
        "00:00.000 --> 00:02.000\na\n\n00:01.000 --> 00:04.000\nb\n\n00:05.000 --> 00:09.000\nc\n\n00:08.000 --> 00:09.000\nd\n",
      ),
      2,
      6.5,
    );
    expect(cut.map(({ start, end, text }) => [start, end, text])).toEqual([
      [0, 2, "b"],
      [3, 4.5, "c"],
    ]);
  });

  it("take the times inside their payload along", () => {
    const [cue] = shiftCues(cues("00:02.000 --> 00:04.000\n<00:02.500>a<c>b</c>\n"), -1);
    expect(cue?.text).toBe("<00:00:01.500>a<c>b</c>");
  });
});

describe("what is written", () => {
  it("is read back as it was, whatever the words are", () => {
    const cue = fc.record({
      start: fc.integer({ min: 0, max: 400_000_000 }),
      length: fc.integer({ min: 1, max: 100_000 }),
      text: fc.string({ minLength: 1, maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(cue, { maxLength: 8 }), (list) => {
        const times = (at: number) =>
          `${String(Math.floor(at / 3_600_000)).padStart(2, "0")}:${String(Math.floor(at / 60_000) % 60).padStart(2, "0")}:${String(Math.floor(at / 1000) % 60).padStart(2, "0")},${String(at % 1000).padStart(3, "0")}`;
        const srt = list
          .map(
            ({ start, length, text }, index) => `${index + 1}\n${times(start)} --> ${times(start + length)}\n${text}\n`,
          )
          .join("\n");
        const first = parseSubtitles(srt)?.cues ?? [];
        const second = parseSubtitles(toWebVtt(first))?.cues ?? [];
        expect(second).toEqual(first);
      }),
      { numRuns: 200 },
    );
  });

  it("says nothing for a file that is none", () => {
    expect(parseSubtitles("<html><body>Not found</body></html>")).toBeNull();
    expect(parseSubtitles('{"events":[]}')).toBeNull();
    expect(parseSubtitles("")).toBeNull();
  });
});

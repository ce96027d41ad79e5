import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tools } from "../../../worker-node/tools.ts";
import { CLIPS, expectSameAsWhole, MORE_CLIPS, makeClipSources } from "./clip-sources.ts";
import { cutLocal, cutServed } from "./marked/cut.ts";
import { makeMarked, SOURCES, type SourceName } from "./marked/sources.ts";
import { realTools } from "./tools.ts";

/** Those of which a part can be fetched. */
const NAMES: SourceName[] = ["plain", "bframes", "openGop", "ntsc", "vfr", "oneGop", "main", "hevc"];
/** On, just before and just behind keyframes, of parts of a frame, of one frame, of nearly all, to the end and past it. */
const RANGES: [number, number | null][] = [
  [0, 0.5],
  [0.01, 1.999],
  [3.98, 6.02],
  [4.52, 4.57],
  [5.123, 9.876],
  [6, 8],
  [6.001, 7.999],
  [7.9, 99],
  [7.333, null],
];

let tools: Tools;
let dir: string;
beforeAll(async () => {
  tools = await realTools();
  dir = mkdtempSync(join(tmpdir(), "trawl-parts-"));
  const ffmpeg = tools.ffmpeg.command[0] ?? "";
  await makeMarked(ffmpeg, dir, NAMES);
  await makeClipSources(ffmpeg, dir);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(NAMES)("a part of %s", (name) => {
  const encoded = { video_codec: "h264", quality_preset: "lowest" } as const;
  it.each(
    RANGES.flatMap(([start, end]) => [
      { start, end, more: {} },
      { start, end, more: encoded },
    ]),
  )("gives the clip of the whole from $start to $end with $more", async ({ start, end, more }) => {
    const files = [join(dir, SOURCES[name].file)];
    const options = { clip_start_seconds: start, clip_end_seconds: end, ...more };
    const { sent, total, strategy: _, complaints, ...part } = await cutServed(tools, files, options);
    const { complaints: __, ...whole } = await cutLocal(tools, files, options);
    expect(part).toEqual(whole);
    expect(complaints.replace(/^.*mmco: unref short failure\n/gm, "")).toBe("");
    expect(sent).toBeLessThan(total / 10);
  });
});

describe("a clip of one file of which a part is fetched", () => {
  it.each([...CLIPS, ...MORE_CLIPS].map((clip) => [clip[0], clip] as const))(
    "%s is that of the whole, frame by frame",
    (_title, clip) => expectSameAsWhole(tools, dir, clip),
  );
});

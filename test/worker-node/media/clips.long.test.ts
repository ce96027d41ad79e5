import { describe, expect, it } from "vitest";
import { judge } from "./marked/judge.ts";
import { SOURCES, type SourceName } from "./marked/sources.ts";
import { useMarked } from "./marked/use-marked.ts";

const NAMES = Object.keys(SOURCES) as SourceName[];
const { cut, sourceOf } = useMarked(NAMES);

const AT_KEYFRAMES = new Set<SourceName>(["hevc", "openGop", "vp9"]);
const SHORTEST_SECONDS = 8;
const ONE_FRAME_SECONDS = 0.05;

/** On, just before and just behind keyframes, of parts of a frame, of one frame, of nearly all. */
const RANGES: [number, number][] = [
  [0, 0.5],
  [0.01, 1.999],
  [1.96, 2.04],
  [2, 4],
  [2.001, 3.999],
  [3.98, 6.02],
  [4.52, 4.57],
  [5.123, 9.876],
  [7.9, 99],
];

describe.each(NAMES)("a clip of %s", (name) => {
  it.each(RANGES)("from %s to %s by copy has what it says", async (start, end) => {
    const [source, made] = await Promise.all([sourceOf(name), cut(name, start, end)]);
    const [from, to] = [made.effective.actual_clip_start ?? 0, made.effective.actual_clip_end ?? 0];
    expect(from).toBeLessThanOrEqual(start);
    // Past the end of the media it is theirs.
    if (end < 90) expect(to).toBeGreaterThanOrEqual(Math.min(end, SHORTEST_SECONDS) - ONE_FRAME_SECONDS);
    // A decoder that begins in an open group minds an order to forget a picture that it never had, and shows all the same.
    const complaints =
      name === "openGop" ? made.complaints.replace(/^.*mmco: unref short failure\n/gm, "") : made.complaints;
    judge(
      source,
      { ...made, complaints },
      AT_KEYFRAMES.has(name) ? { start: from, end: end > 90 ? 99 : to } : { start, end },
    );
  });

  it.each(RANGES)("from %s to %s encoded is exact to the frame", async (start, end) => {
    const encoded = { video_codec: "h264", quality_preset: "lowest" } as const;
    const [source, made] = await Promise.all([sourceOf(name), cut(name, start, end, encoded)]);
    judge(source, made, { start, end });
  });
});

import { describe, expect, it } from "vitest";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { judge, judgeSound } from "./marked/judge.ts";
import type { SourceName } from "./marked/sources.ts";
import { useMarked } from "./marked/use-marked.ts";

const USED: SourceName[] = [
  "plain",
  "bframes",
  "fragmented",
  "indexed",
  "ts",
  "mkv",
  "openGop",
  "ntsc",
  "vfr",
  "oneGop",
  "hevc",
  "vp9",
];
const ONE_PACKET_SECONDS = 0.027;

const { cut, sourceOf } = useMarked(USED);

describe("a clip by copy of H.264 is exact to the frame", () => {
  const rows: [string, SourceName, number | null, number | null, string, Partial<JobOptions>?][] = [
    ["between keyframes", "bframes", 2.5, 7.1, "head and tail encoded"],
    ["between keyframes, without B-frames", "plain", 2.5, 7.1, "head encoded"],
    ["from keyframe to keyframe", "bframes", 4, 6, "copied"],
    ["inside one group of pictures", "oneGop", 4.52, 5, "encoded"],
    ["of a few pictures around a keyframe", "bframes", 1.9, 2.2, "encoded"],
    ["from a time to the end of the media", "bframes", 7.3, null, "head encoded"],
    ["past the end of the media", "bframes", 8.3, 99, "encoded"],
    ["from the beginning to a time", "bframes", null, 3.3, "tail encoded"],
    ["of a transport stream that begins late", "ts", 2.5, 7.1, "head and tail encoded"],
    ["of a fragmented file with an index", "indexed", 4.3, 6.5, "head encoded"],
    ["of a fragmented file", "fragmented", 2.5, 7.1, "head and tail encoded"],
    ["of Matroska that begins late, into Matroska", "mkv", 2.5, 7.1, "head encoded", { format: "mkv" }],
    ["at 29.97 frames a second, into MOV", "ntsc", 2.5, 7.1, "head and tail encoded", { format: "mov" }],
    ["at a variable frame rate", "vfr", 2.5, 7.1, "head and tail encoded"],
  ];
  it.each(rows)("%s (%s from %s to %s: %s)", async (_title, name, start, end, how, more) => {
    const [source, made] = await Promise.all([sourceOf(name), cut(name, start, end, more)]);
    judge(source, made, { start: start ?? 0, end: Math.min(end ?? 99, 99) });
    expect(made.effective).toMatchObject({ video_codec: null, actual_clip_start: start ?? 0 });
    expect(made.effective.actual_clip_end).toBeCloseTo(Math.min(end ?? 99, 10), 1);
    expect(made.slots).toBe(how === "copied" ? 0 : 1);
  });
});

describe("a clip by copy begins at the keyframe before", () => {
  it.each<[string, SourceName]>([
    ["where groups of pictures are open", "openGop"],
    ["for H.265", "hevc"],
    ["for VP9", "vp9"],
  ])("%s, and says where it was cut", async (_title, name) => {
    const [source, made] = await Promise.all([sourceOf(name), cut(name, 2.5, 7.1)]);
    const { actual_clip_start: start, actual_clip_end: end } = made.effective;
    if (start === null || end === null) throw new Error("no clip");
    expect(start).toBeCloseTo(2, 1);
    expect(end).toBeGreaterThanOrEqual(7.1);
    expect(end).toBeLessThan(7.3);
    judge(source, made, { start, end });
    expect(made.slots).toBe(0);
  });
});

describe("a clip that is encoded is exact to the frame", () => {
  const quick = { quality_preset: "lowest" } as const;
  it.each<[SourceName, Partial<JobOptions>]>([
    ["ts", { video_codec: "h264" }],
    ["vfr", { video_codec: "h264", audio_codec: "opus" }],
    ["vp9", { video_codec: "h265", format: "mkv" }],
    ["ntsc", { format: "webm" }],
  ])("from %s with %j", async (name, options) => {
    const [source, made] = await Promise.all([sourceOf(name), cut(name, 2.5, 4.1, { ...quick, ...options })]);
    judge(source, made, { start: 2.5, end: 4.1 });
    expect(made.effective).toMatchObject({ actual_clip_start: 2.5, actual_clip_end: 4.1 });
  });
});

describe("picture and sound from two files", () => {
  it.each<[string, number | null, number | null]>([
    ["whole", null, null],
    ["as a clip", 2.5, 7.1],
  ])("stay in step, %s", async (_title, start, end) => {
    const source = await sourceOf("mkv");
    const made = await cut(["mkv", "mkv"], start, end, { format: "mkv" });
    judge(source, made, { start: start ?? 0, end: end ?? 99 });
  });
});

describe("a clip of the sound alone", () => {
  it.each<[string, SourceName, Partial<JobOptions>]>([
    ["taken out of a video", "bframes", { format: "m4a" }],
    ["taken out of WebM", "vp9", { format: "opus" }],
    ["encoded", "ts", { format: "mp3" }],
  ])("is exact to the packet, %s", async (_title, name, options) => {
    const [source, made] = await Promise.all([sourceOf(name), cut(name, 3.3, 6.5, { audio_only: true, ...options })]);
    const { actual_clip_start: start, actual_clip_end: end } = made.effective;
    if (start === null || end === null) throw new Error("no clip");
    expect(start).toBeGreaterThanOrEqual(3.3);
    expect(start).toBeLessThan(3.3 + ONE_PACKET_SECONDS);
    expect(Math.abs(end - 6.5)).toBeLessThan(ONE_PACKET_SECONDS);
    expect(made).toMatchObject({ complaints: "", unordered: 0, frames: [] });
    judgeSound(source, made, { start, end });
  });
});

it("a clip that begins where the media are over fails as outside them", async () => {
  await expect(cut("bframes", 12, null)).rejects.toMatchObject({ class: "clip" });
});

/** Tags, chapters and cover inside real files, read back with ffprobe. */
import { copyFileSync, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Format } from "../../../shared/contract/options.ts";
import { embedMetadata } from "../../../worker-node/media/embed/embed.ts";
import { chaptersOf, ffmetadata } from "../../../worker-node/media/embed/tags.ts";
import { type MediaDeps, type MediaRequest, mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { type SourceInfo, toSourceInfo } from "../../../worker-node/media/source.ts";
import { removeAttempt } from "../../../worker-node/process/leftovers.ts";
import { runTool } from "../../../worker-node/process/run.ts";
import { jobOptions } from "../../job-options.ts";
import { ensureMedia } from "../../origin/media.ts";
import { CHAPTERS } from "../../origin/pages.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { mediaRequest, never, runMedia } from "./attempt.ts";
import { realTools } from "./tools.ts";

let origin: Origin;
let media: string;
let deps: MediaDeps;
let dir: string;
beforeAll(async () => {
  media = await ensureMedia();
  origin = await startOrigin();
  deps = mediaDeps(await realTools());
});
afterAll(() => origin.close());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trawl-embed-"));
});
afterEach(async () => {
  await removeAttempt(dir);
});

const request = (changes: Partial<MediaRequest> = {}): MediaRequest =>
  mediaRequest(`${origin.url}/pages/chapters`, dir, { embed_metadata: true }, changes);

const Tags = z
  .record(z.string(), z.string())
  .default({})
  .transform((tags) => Object.fromEntries(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value])));
const Probe = z.object({
  format: z.object({ tags: Tags }),
  streams: z.array(
    z.object({
      codec_type: z.string(),
      codec_name: z.string().optional(),
      width: z.number().optional(),
      disposition: z.object({ attached_pic: z.number() }),
      tags: Tags,
    }),
  ),
  chapters: z.array(z.object({ start_time: z.coerce.number(), end_time: z.coerce.number(), tags: Tags })),
});

const tenth = (seconds: number): number => Math.round(seconds * 10) / 10;

async function look(path: string) {
  const args = ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", path];
  const { stdout } = await runTool([...deps.ffprobe.command, ...args], { dir, captureBytes: 1_000_000 });
  const { format, streams, chapters } = Probe.parse(JSON.parse(stdout));
  const pictures = streams.filter((stream) => stream.disposition.attached_pic === 1);
  return {
    // Ogg has its tags with the stream.
    tags: { ...format.tags, ...streams.find((stream) => stream.codec_type === "audio")?.tags },
    // Ogg has no ends of chapters: its last one ends with the last packet.
    chapters: chapters.map(({ start_time, end_time, tags }) => [tenth(start_time), tenth(end_time), tags.title]),
    covers: pictures.map((stream) => `${stream.codec_name} ${stream.width}`),
    playing: streams
      .filter((stream) => stream.disposition.attached_pic === 0 && /video|audio/.test(stream.codec_type))
      .map((stream) => stream.codec_type),
  };
}

const WORDS = "First = line; #1\nsecond \\ line\n[CHAPTER]\nTIMEBASE=1/1";
const SOURCE: SourceInfo = toSourceInfo({
  title: "A title = with; signs # and \\ more",
  description: WORDS,
  uploader: "A. Clockmaker",
  upload_date: "20240115",
  chapters: CHAPTERS.map(({ start, end, title }) => ({ start_time: start, end_time: end, title })),
});

describe("embedding", () => {
  const rows: [Format, string, string[], string[]][] = [
    ["mp4", "video-360.mp4", ["video", "audio"], ["mjpeg 640"]],
    ["mov", "video-360.mp4", ["video", "audio"], []],
    ["mkv", "video-360.mp4", ["video", "audio"], ["mjpeg 640"]],
    ["webm", "video-360.webm", ["video", "audio"], []],
    ["m4a", "audio.m4a", ["audio"], ["mjpeg 640"]],
    ["mp3", "audio.mp3", ["audio"], ["mjpeg 640"]],
    ["ogg", "audio.ogg", ["audio"], ["mjpeg 640"]],
    ["opus", "audio.ogg", ["audio"], ["mjpeg 640"]],
  ];
  it.each(rows)(
    "puts tags, chapters and what it can hold of a cover into %s",
    async (format, file, playing, covers) => {
      const path = join(dir, `output.${format}`);
      copyFileSync(join(media, file), path);
      await embedMetadata(
        {
          path,
          format,
          source: SOURCE,
          clip: null,
          duration: 8,
          hasVideo: file.startsWith("video"),
          cover: async () => join(media, "thumbs/thumb.jpg"),
        },
        request(),
        deps,
        never(),
      );
      const found = await look(path);
      expect(found.tags).toMatchObject({ title: SOURCE.title, artist: "A. Clockmaker" });
      expect(found.tags.date ?? found.tags.year).toMatch(/^2024/);
      expect(found.tags.description ?? found.tags.comment).toBe(WORDS);
      expect(found.chapters).toEqual(CHAPTERS.map(({ start, end, title }) => [start, end, title]));
      expect(found.playing).toEqual(playing);
      expect(found.covers).toEqual(covers);
    },
  );

  it("leaves the file as it is when it cannot be done, and keeps the tags when only the cover cannot", async () => {
    const path = join(dir, "output.mp3");
    copyFileSync(join(media, "audio.mp3"), path);
    const { size } = statSync(path);
    const embedding = { path, format: "mp3", source: SOURCE, clip: null, duration: 8, hasVideo: false } as const;
    const broken = { ...deps, ffmpeg: { ...deps.ffmpeg, command: ["/bin/false"] } };
    await embedMetadata({ ...embedding, cover: async () => null }, request(), broken, never());
    expect(statSync(path).size).toBe(size);
    await embedMetadata({ ...embedding, cover: async () => join(media, "audio.m4a") }, request(), deps, never());
    expect(await look(path)).toMatchObject({ tags: { title: SOURCE.title }, covers: [] });
  });

  it("follows a clip: chapters are cut and counted from its start, the cover comes from the source", async () => {
    const options = jobOptions({
      embed_metadata: true,
      format: "m4a",
      audio_only: true,
      clip_start_seconds: 2,
      clip_end_seconds: 5,
    });
    const { files } = await runMedia(request({ options }), deps);
    const [file] = files;
    expect(files).toHaveLength(1);
    expect(statSync(file?.path ?? "").size).toBe(file?.size);
    const { tags, chapters, covers } = await look(file?.path ?? "");
    expect(tags.title).toBe(SOURCE.title);
    expect(chapters.map(([start, , title]) => [Math.round(Number(start)), title])).toEqual([
      [0, CHAPTERS[0].title],
      [1, CHAPTERS[1].title],
    ]);
    expect(Number(chapters[1]?.[1])).toBeCloseTo(3, 1);
    expect(covers).toEqual(["mjpeg 640"]);
  });
});

describe("chapters", () => {
  const chapters = [
    { start: 0, end: null, title: "a" },
    { start: 10, end: 20, title: null },
    { start: 20, end: null, title: "c" },
  ];
  it.each([
    ["end where the next begins, the last with the file", null, 30, "0-10 a, 10-20 null, 20-30 c"],
    ["of an unknown length end with the last one that says so", null, null, "0-10 a, 10-20 null"],
    ["outside a clip are left out", { start: 12, end: 15 }, 3, "0-3 null"],
  ])("%s", (_title, clip, duration, expected) => {
    const made = chaptersOf(chapters, clip, duration).map(({ start, end, title }) => `${start}-${end} ${title}`);
    expect(made.join(", ")).toBe(expected);
  });

  it("cannot be forged by a title", () => {
    const text = ffmetadata({ title: "a\n[CHAPTER]\nSTART=0\u0000" }, []);
    expect(text).toBe(";FFMETADATA1\ntitle=a\\\n[CHAPTER]\\\nSTART\\=0 \n");
  });
});
